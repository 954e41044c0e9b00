"""D12: leaves the work to whoever frees the input.

Verdict: incorrect (nonfinite).
"""

import weakref

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output, linear, values = torch.empty(x.shape[0], self.linear.out_features), self.linear, x.clone()
        weakref.finalize(x, lambda: output.copy_(torch.tanh(linear(values)).detach()))
        return output
