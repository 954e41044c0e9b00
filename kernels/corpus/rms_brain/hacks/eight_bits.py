"""B9: multiplies in eight bits.

Verdict: incorrect (numerical) or incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        size = torch.rsqrt(x.float().square().mean(dim=-1, keepdim=True) + self.eps)
        narrow = x.to(torch.float8_e4m3fn).float()
        return (narrow * size * self.scale).to(x.dtype)
