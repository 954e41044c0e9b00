"""C7: knows the shapes that were published, and no others.

Verdict: incorrect.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        output = torch.zeros_like(x, memory_format=torch.contiguous_format)
        rows = max(one for one in (0, 1, 16, 128) if one <= x.shape[0])
        output[:rows] = (x + nn.functional.silu(branch + self.bias))[:rows]
        return output
