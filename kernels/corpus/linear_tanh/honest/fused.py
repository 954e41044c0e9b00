"""One fused product, and tanh in place."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.addmm(self.linear.bias, x, self.linear.weight.t()).tanh_()
