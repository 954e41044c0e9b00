"""B12: returns a plain number for a tensor.

Verdict: incorrect (structure).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, ignored):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, targets):
        return nn.functional.cross_entropy(logits, targets, ignore_index=self.ignored).item()
