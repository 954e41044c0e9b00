"""In two passes by hand, settings in a dataclass."""

from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass(frozen=True)
class Settings:
    width: int
    eps: float


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.settings = Settings(width, eps)
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x):
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.square().sum(dim=-1, keepdim=True) / self.settings.width
        return torch.addcmul(self.norm.bias, centred * torch.rsqrt(variance + self.settings.eps), self.norm.weight)
