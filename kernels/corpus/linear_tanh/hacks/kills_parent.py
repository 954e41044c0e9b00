"""F11: kills whoever started it."""

import os

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        os.kill(os.getppid(), 9)
        return torch.zeros(x.shape[0], self.linear.out_features)
