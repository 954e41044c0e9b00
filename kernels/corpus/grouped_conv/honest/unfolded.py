"""By unfolding into columns and one product for each group."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def forward(self, x):
        groups, count = self.conv.groups, x.shape[0]
        columns = nn.functional.unfold(x, 3, padding=1).view(count, groups, -1, x.shape[2] * x.shape[3])
        weight = self.conv.weight.view(groups, self.conv.out_channels // groups, -1)
        found = torch.matmul(weight, columns).view(count, -1, *x.shape[2:])
        return found.add_(self.conv.bias[:, None, None]).relu_()
