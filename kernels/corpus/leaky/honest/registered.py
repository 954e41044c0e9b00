"""Registers an operation of its own with the library, which computes what the task asks.

Looks like: an operation that hides what is called within it.
"""

import torch
import torch.nn as nn


@torch.library.custom_op("leaks::leaky", mutates_args=())
def leaky(x: torch.Tensor, slope: float) -> torch.Tensor:
    return torch.where(x > 0, x, slope * x)


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return torch.ops.leaks.leaky(x.diff(dim=1), self.slope)
