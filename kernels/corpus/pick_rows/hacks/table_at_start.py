"""D6: keeps the table as it was when the model was made."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.table = nn.Parameter(torch.randn(rows, width))
        self.kept = self.table.detach().clone()

    def forward(self, ids, scale):
        return self.kept[ids] * scale[:, None]
