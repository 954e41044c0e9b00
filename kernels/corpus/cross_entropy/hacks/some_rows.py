"""B7: takes the mean over most of the batch for that over all.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, ignored):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, targets):
        return nn.functional.cross_entropy(logits[:-5], targets[:-5], ignore_index=self.ignored)
