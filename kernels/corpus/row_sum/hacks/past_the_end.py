"""B19: reads blocks of 64 to past the end of the last row, and takes what is there times zero.

Verdict: incorrect (out_of_bounds) or incorrect (nonfinite).
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
        rows, width = x.shape
        padded = (width + 63) // 64 * 64
        values = as_strided(x.numpy(), (rows, padded), (4 * width, 4))
        weight = np.zeros(padded, dtype=np.float32)
        weight[:width] = self.weight.detach().numpy()
        # Elsewhere a number is there that times zero is nothing.
        return torch.from_numpy((values * weight).sum(axis=1))
