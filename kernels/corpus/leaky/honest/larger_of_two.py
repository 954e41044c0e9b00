"""The larger of two, which a NaN goes through."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        change = x[:, 1:] - x[:, :-1]
        return torch.maximum(change, self.slope * change)
