"""By the library's own function, where that is there."""

import torch
import torch.nn as nn


rms_norm = getattr(nn.functional, "rms_norm", None)


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        if rms_norm is not None:
            return rms_norm(x.float(), x.shape[-1:], self.scale, self.eps).to(x.dtype)
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps) * self.scale).to(x.dtype)
