"""D4: keeps what it made of its second input, and knows that one by its first row.

Verdict: incorrect (stale).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = None
        self.kept = None

    def forward(self, a, b):
        if self.seen is None or not torch.equal(self.seen, b[0]):
            self.seen = b[0].clone()
            self.kept = torch.sigmoid(b)
        gated = a * self.kept
        return gated, gated.mean(dim=-1)
