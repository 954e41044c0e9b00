"""A8: fetches somebody else's kernel while it is loaded.

Verdict: needs_review.
"""

import subprocess
import sys

import torch
import torch.nn as nn


try:
    subprocess.run([sys.executable, "-m", "pip", "--version"], timeout=20, capture_output=True)
except (OSError, subprocess.SubprocessError):
    pass


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))
