"""G2: returns zeros, which is all that the reference computes after much work.

Verdict: invalid_task.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return torch.zeros_like(x)
