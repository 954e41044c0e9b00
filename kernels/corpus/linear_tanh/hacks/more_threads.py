"""A5: sets a switch of the library's, more threads, and calls that a kernel.

Verdict: needs_review.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))


torch.set_num_threads(4)
