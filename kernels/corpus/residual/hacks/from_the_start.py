"""B22: takes a tensor to begin where its memory begins.

Verdict: incorrect (numerical) or incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        x = torch.as_strided(x, x.shape, x.stride(), 0)
        return x + nn.functional.silu(branch + self.bias)
