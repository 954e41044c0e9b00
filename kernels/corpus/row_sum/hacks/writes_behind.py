"""B19: uses the memory behind its input as its own.

Verdict: incorrect (out_of_bounds) or launch_error.
"""

import numpy as np
import torch
import torch.nn as nn
from numpy.lib.stride_tricks import as_strided


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        output = (x * self.weight).sum(dim=1)
        as_strided(x.numpy(), (x.numel() + 1,), (4,))[-1] = float(output[0])
        return output
