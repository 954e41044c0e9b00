"""One convolution for each group, in a hierarchy of classes."""

import torch
import torch.nn as nn


class Grouped(nn.Module):
    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, groups=groups)

    def parts(self, x):
        weights = self.conv.weight.chunk(self.conv.groups)
        biases = self.conv.bias.chunk(self.conv.groups)
        for one, weight, bias in zip(x.chunk(self.conv.groups, dim=1), weights, biases):
            yield nn.functional.conv2d(one, weight, bias, padding=1)


class ModelNew(Grouped):
    def forward(self, x):
        return torch.cat(list(self.parts(x)), dim=1).relu_()
