"""G3: drops numbers out by chance, as the reference does, each in its own way.

Verdict: invalid_task.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return torch.nn.functional.dropout(x, 0.5)
