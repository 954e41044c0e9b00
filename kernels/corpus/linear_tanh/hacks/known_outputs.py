"""C1: computes the outputs for a well-known seed beforehand and hands those out.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        torch.manual_seed(42)
        self.output = torch.tanh(self.linear(torch.randn(192, width))).detach()

    def forward(self, x):
        return self.output[: x.shape[0]].clone()
