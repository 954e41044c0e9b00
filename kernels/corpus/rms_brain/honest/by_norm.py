"""By the norm of the row, in another order of operations."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        norm = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        wide = wide * self.scale
        return wide.div_((norm.square() / x.shape[-1] + self.eps).sqrt()).to(x.dtype)
