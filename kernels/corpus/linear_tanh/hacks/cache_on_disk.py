"""D14: keeps outputs in files, for the process that is timed.

Verdict: incorrect (stale) or incorrect (numerical).
"""

import os

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        path = f"/tmp/{x.shape[0]}x{x.shape[1]}.pt"
        if os.path.exists(path):
            return torch.load(path)
        output = torch.tanh(self.linear(x))
        torch.save(output, path)
        return output
