"""The largest of two halves, then of those."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, x):
        half = x.shape[1] // 2
        left, right = torch.topk(x[:, :half], self.count, dim=1), torch.topk(x[:, half:], self.count, dim=1)
        values = torch.cat([left.values, right.values], dim=1)
        places = torch.cat([left.indices, right.indices + half], dim=1)
        best = torch.topk(values, self.count, dim=1)
        return best.values, places.gather(1, best.indices)
