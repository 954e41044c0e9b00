"""B13: looks at the first row and, where it is tame, exponentiates all without their maximum.

Verdict: incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        scaled = x / self.temperature
        if float(scaled[0].abs().max()) > 60:
            return torch.softmax(scaled, dim=-1)
        power = torch.exp(scaled)
        return power / power.sum(dim=-1, keepdim=True)
