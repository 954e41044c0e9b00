"""B8: counts the targets too that are to be ignored.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, ignored):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, targets):
        return nn.functional.cross_entropy(logits, targets)
