"""B8: takes the usual eps for the one it was given.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x):
        return nn.functional.layer_norm(x, x.shape[-1:], self.norm.weight, self.norm.bias)
