"""Chooses by type and layout how to go about it."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        if isinstance(x, torch.Tensor) and x.is_contiguous() and branch.is_contiguous():
            shifted = (branch + self.bias).view(-1)
            return torch.addcmul(x.view(-1), shifted, torch.sigmoid(shifted)).view_as(x)
        return x + nn.functional.silu(branch + self.bias)
