"""A convolution in groups with bias and padding, then relu."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def forward(self, x):
        return torch.relu(self.conv(x))


def get_inputs():
    return [torch.randn(2, 16, 24, 24)]


def get_init_inputs():
    return [16, 32, 4]
