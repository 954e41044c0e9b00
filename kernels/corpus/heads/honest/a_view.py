"""A view, as the reference gives one."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.heads = heads

    def forward(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2), torch.linalg.vector_norm(x[..., :8], ord=1, dim=-1)
