"""The same by the functional embedding."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.table = nn.Parameter(torch.randn(rows, width))

    def forward(self, ids, scale):
        return nn.functional.embedding(ids, self.table) * scale.unsqueeze(-1)
