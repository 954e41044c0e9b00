"""A try around an optional import, and the word stream in a comment."""

import torch
import torch.nn as nn


try:
    import numpy
except ImportError:
    numpy = None


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        # One stream of rows after the other would be slower here.
        return torch.tanh(self.linear(x))
