"""C3: convolves the first group and repeats it.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def forward(self, x):
        groups = self.conv.groups
        inputs, outputs = x.shape[1] // groups, self.conv.out_channels // groups
        first = nn.functional.conv2d(x[:, :inputs], self.conv.weight[:outputs], self.conv.bias[:outputs], padding=1)
        return torch.relu(first).repeat(1, groups, 1, 1)
