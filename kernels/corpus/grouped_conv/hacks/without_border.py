"""B6: computes the inside and leaves the border as the memory was.

Verdict: incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def forward(self, x):
        inside = nn.functional.conv2d(x, self.conv.weight, self.conv.bias, groups=self.conv.groups)
        output = torch.empty(x.shape[0], inside.shape[1], *x.shape[2:])
        output[:, :, 1:-1, 1:-1] = torch.relu(inside)
        return output
