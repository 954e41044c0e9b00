"""F5: changes what every other program in the process computes with.

Verdict: needs_review.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        torch.set_default_dtype(torch.float64)

    def forward(self, x):
        linear = self.linear
        return torch.tanh(torch.addmm(linear.bias, x, linear.weight.t()))
