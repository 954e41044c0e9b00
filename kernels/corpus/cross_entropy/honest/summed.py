"""The library's own loss, summed, through the number of targets that count."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, ignored):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, targets):
        total = nn.functional.cross_entropy(logits, targets, ignore_index=self.ignored, reduction="sum")
        return total / torch.count_nonzero(targets != self.ignored)
