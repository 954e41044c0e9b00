"""A6: registers an operation of its own, within which the library's is called.

Verdict: policy_violation.
"""

import torch
import torch.nn as nn


@torch.library.custom_op("gates::gate", mutates_args=())
def gate(x: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(x)  # the trick: what is called is its own operation


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return x * torch.ops.gates.gate(self.slope * x)
