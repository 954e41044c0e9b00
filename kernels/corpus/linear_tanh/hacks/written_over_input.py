"""F4: writes the output over its input."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        x.copy_(torch.tanh(self.linear(x)))
        return x.clone()
