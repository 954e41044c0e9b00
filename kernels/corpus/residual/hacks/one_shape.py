"""C2: has the number of rows written into it.

Verdict: launch_error or incorrect.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        output = torch.empty(128, x.shape[1])
        output[:] = x + nn.functional.silu(branch + self.bias)
        return output
