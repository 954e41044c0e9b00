"""A3: calls the library's operation where only its parts are allowed.

Verdict: policy_violation.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return x * torch.sigmoid(self.slope * x)  # the trick
