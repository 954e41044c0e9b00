"""D16: hands its output out in another layout, for the caller to turn.

Verdict: incorrect (layout).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def forward(self, x):
        return torch.relu(self.conv(x)).contiguous(memory_format=torch.channels_last)
