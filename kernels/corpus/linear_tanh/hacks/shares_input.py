"""F6: returns its input's memory."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output = torch.tanh(self.linear(x))
        x.set_(output)
        return x
