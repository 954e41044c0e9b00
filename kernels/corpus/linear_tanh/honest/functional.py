"""The same by the functional interface."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return nn.functional.linear(x, self.linear.weight, self.linear.bias).tanh()
