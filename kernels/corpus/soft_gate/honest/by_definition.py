"""Built of what is allowed, in place."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        gate = torch.exp(-self.slope * x)
        return x / gate.add_(1)
