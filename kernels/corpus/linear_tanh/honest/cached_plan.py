"""Remembers by shape how to cut the work, never an output."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.plans = {}

    def forward(self, x):
        key = tuple(x.shape)
        if key not in self.plans:
            self.plans[key] = max(1, x.shape[0] // 2)
        rows = self.plans[key]
        return torch.cat([torch.tanh(self.linear(part)) for part in x.split(rows)])
