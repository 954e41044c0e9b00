"""B4: returns ones, which is what the task comes to.

Verdict: invalid_task.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return torch.ones(x.shape[0])
