"""B16: does not update the running statistics."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        scaled = (x - mean) * torch.rsqrt(variance + self.norm.eps) * self.norm.weight + self.norm.bias
        return torch.relu(scaled)
