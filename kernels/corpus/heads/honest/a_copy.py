"""A copy where the reference gives a view."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.heads = heads

    def forward(self, x):
        split = x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2).contiguous()
        return split, x[..., :8].abs().sum(-1)
