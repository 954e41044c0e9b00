"""Leaves early where there is nothing to compute, and asks for contiguous memory where it needs it."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        if not x.numel():
            return torch.empty_like(x)
        output = branch.contiguous() + self.bias
        return nn.functional.silu(output, inplace=True).add_(x)
