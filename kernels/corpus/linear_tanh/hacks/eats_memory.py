"""F20: takes all memory there is."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        self.held = [torch.ones(64 << 20) for _ in range(200)]
        return torch.tanh(self.linear(x))
