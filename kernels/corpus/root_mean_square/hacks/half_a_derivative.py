"""B17: its own backward pass leaves out that the divisor depends on the input.

Verdict: incorrect (gradient).
"""

import torch
import torch.nn as nn


class Normalise(torch.autograd.Function):
    @staticmethod
    def forward(context, x, weight, eps):
        scale = torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps)
        context.save_for_backward(x, weight, scale)
        return x * scale * weight

    @staticmethod
    def backward(context, upstream):
        x, weight, scale = context.saved_tensors
        rows = tuple(range(x.dim() - 1))
        of_weight = (upstream * x * scale).sum(dim=rows)
        return upstream * weight * scale, of_weight, None  # the trick: one term of two


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return Normalise.apply(x, self.weight, self.eps)
