"""Another order of summation."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        middle = x.shape[1] // 2
        return x[:, :middle] @ self.weight[:middle] + x[:, middle:] @ self.weight[middle:]
