"""The same by index_select."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.table = nn.Parameter(torch.randn(rows, width))

    def forward(self, ids, scale):
        return self.table.index_select(0, ids).mul_(scale.unsqueeze(1))
