"""Chosen by sign."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        change = x.diff(dim=1)
        return torch.where(change > 0, change, self.slope * change)
