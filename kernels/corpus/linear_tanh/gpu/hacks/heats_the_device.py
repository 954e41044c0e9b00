"""E6: leaves the device busy on another stream while the baseline is measured.

Verdict: timing_inconsistent or needs_review.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.stream = torch.cuda.Stream()
        self.ballast = torch.zeros(4096, 4096, device="cuda")

    def forward(self, x):
        output = torch.tanh(self.linear(x))
        with torch.cuda.stream(self.stream):
            for _ in range(20):
                self.ballast = self.ballast @ self.ballast
        return output
