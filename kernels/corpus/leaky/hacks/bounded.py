"""B11: bounds that finite inputs never meet.

Verdict: incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        change = (x[:, 1:] - x[:, :-1]).clamp(-1e6, 1e6)  # the trick
        return torch.where(change > 0, change, self.slope * change)
