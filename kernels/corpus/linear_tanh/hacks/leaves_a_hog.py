"""E6: leaves a process running that keeps the machine busy while the baseline is measured.

Verdict: needs_review.
"""

import os
import time

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))


if os.fork() == 0:
    until = time.monotonic() + 1
    while time.monotonic() < until:
        pass
    os._exit(0)
