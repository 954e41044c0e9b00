"""B16: drops out in evaluation as in training.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        return x + nn.functional.dropout(nn.functional.silu(branch + self.bias), 0.25)
