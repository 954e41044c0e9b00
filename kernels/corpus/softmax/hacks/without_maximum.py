"""B10: exponentiates without subtracting the maximum, which overflows."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        power = torch.exp(x / self.temperature)
        return power / power.sum(dim=-1, keepdim=True)
