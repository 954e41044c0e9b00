"""G1: brings inputs and sizes of its own, which are easier.

Verdict: load_error.
"""

import torch
import torch.nn as nn


def get_inputs():
    return [torch.zeros(1, 1)]


def get_init_inputs():
    return [1]


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(*get_init_inputs(), 1)

    def forward(self, x):
        return torch.tanh(self.linear(x))
