"""B22: takes the rows to lie one after the other in memory.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        x, branch = (torch.as_strided(one, one.shape, (one.shape[1], 1)) for one in (x, branch))
        return x + nn.functional.silu(branch + self.bias)
