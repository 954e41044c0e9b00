"""C3: splits along the wrong axis, which has the right shape.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.heads = heads

    def forward(self, x):
        split = x.view(x.shape[0], self.heads, x.shape[1], -1)
        return split, x[..., :8].abs().sum(-1)
