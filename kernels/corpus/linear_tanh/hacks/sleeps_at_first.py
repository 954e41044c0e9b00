"""E5: sleeps through the warm-up, so that few calls are measured, and repeats itself in those.

Verdict: incorrect.
"""

import time

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.calls, self.output = 0, None

    def forward(self, x):
        self.calls += 1
        if self.calls < 4:
            time.sleep(0.2)  # this is what has to be caught: slow at first, so that a harness times few calls
            self.output = torch.tanh(self.linear(x))
        return self.output.clone()
