"""In place, on memory of its own."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, a, b):
        gated = torch.sigmoid(b).mul_(a)
        return gated, gated.mean(dim=-1)
