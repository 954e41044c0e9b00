"""Remembers a constant that no input changes."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature
        self.inverse = 1.0 / temperature

    def forward(self, x):
        return torch.softmax(x * self.inverse, dim=-1)
