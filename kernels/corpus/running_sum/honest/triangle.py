"""As a product with a triangle of ones, which is a registered buffer."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.register_buffer("triangle", torch.ones(width, width).triu(), persistent=False)

    def forward(self, x):
        return (x * self.scale) @ self.triangle
