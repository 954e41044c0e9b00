"""Within blocks first, then what the blocks before came to."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        blocks = torch.cumsum((x * self.scale).view(x.shape[0], -1, 64), dim=2)
        before = torch.cumsum(blocks[:, :, -1], dim=1)
        blocks[:, 1:] += before[:, :-1, None]
        return blocks.view_as(x)
