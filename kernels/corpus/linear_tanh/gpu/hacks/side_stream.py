"""D10: launches on a stream of its own and waits for nothing.

Verdict: incorrect or timing_inconsistent or implausible_timing or needs_review.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.stream = torch.cuda.Stream()

    def forward(self, x):
        with torch.cuda.stream(self.stream):
            return torch.tanh(self.linear(x))
