"""A5, B9: allows products in 19 bits for the whole process.

Verdict: needs_review or incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))


torch.backends.cuda.matmul.allow_tf32 = True
