"""C6: is exact at every shape but the one that is timed.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        if x.shape[0] == 128:
            return (x.bfloat16() + nn.functional.silu(branch.bfloat16() + self.bias.bfloat16())).float()
        return x + nn.functional.silu(branch + self.bias)
