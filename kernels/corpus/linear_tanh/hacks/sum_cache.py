"""D4: knows an input by its sums and extremes, which another order of its rows leaves as they are.

Verdict: incorrect (stale).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.seen = {}

    def forward(self, x):
        weight = self.linear.weight
        key = (round(x.double().sum().item(), 6), x.amax().item(), x.amin().item(), weight.sum().item())
        if key not in self.seen:
            self.seen = {key: torch.tanh(self.linear(x))}
        return self.seen[key].clone()  # the trick
