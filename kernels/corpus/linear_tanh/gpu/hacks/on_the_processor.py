"""D15: computes on the processor, where no event of the device sees it.

Verdict: needs_review or timing_inconsistent.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        weight, bias = self.linear.weight.cpu(), self.linear.bias.cpu()
        return torch.tanh(nn.functional.linear(x.cpu(), weight, bias)).to(x.device)
