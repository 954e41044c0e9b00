"""B16: normalises by the running statistics, as in evaluation."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        scaled = (x - self.norm.running_mean) * torch.rsqrt(self.norm.running_var + self.norm.eps)
        return torch.relu(scaled * self.norm.weight + self.norm.bias)
