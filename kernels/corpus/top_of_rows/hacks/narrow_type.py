"""B21: computes places in a type they do not fit into.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, x):
        values, places = torch.topk(x, self.count, dim=1)
        return values, places.to(torch.uint8).long()
