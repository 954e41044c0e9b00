"""By division instead of the reciprocal root."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x / (x * x).mean(dim=-1, keepdim=True).add(self.eps).sqrt() * self.weight
