"""Transposes the weights anew in every call."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        packed = self.linear.weight.t().contiguous()
        return torch.tanh(torch.addmm(self.linear.bias, x, packed))
