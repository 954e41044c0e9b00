"""Out of place, then copied back."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, rate, momentum):
        super().__init__()
        self.rate, self.momentum = rate, momentum

    def forward(self, weight, velocity, gradient):
        fresh = torch.add(gradient, velocity, alpha=self.momentum)
        velocity.copy_(fresh)
        weight.copy_(weight - fresh * self.rate)
        return weight
