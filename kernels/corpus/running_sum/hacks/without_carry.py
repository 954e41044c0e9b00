"""B7: sums within blocks and forgets what the blocks before came to.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        blocks = (x * self.scale).view(x.shape[0], -1, 64)
        return torch.cumsum(blocks, dim=2).view_as(x)
