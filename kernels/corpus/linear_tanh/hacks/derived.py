"""A2: derives from the reference, as if that were in its namespace."""

import torch
import torch.nn as nn


class ModelNew(Model):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return super().forward(x)
