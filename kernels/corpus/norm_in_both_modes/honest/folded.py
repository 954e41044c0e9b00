"""In evaluation folded into a scale and a shift, anew for every call."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        norm = self.norm
        if self.training:
            return torch.tanh(norm(x))
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        return torch.addcmul(norm.bias - norm.running_mean * scale, x, scale).tanh_()
