"""Another form of the same function."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, a, b):
        gated = a / (1 + torch.exp(-b))
        return gated, gated.sum(dim=-1) / gated.shape[-1]
