"""Sums tile by tile, in a `while True` that a naive checker takes for a hang."""

import torch
import torch.nn as nn


TILE = 64


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output = self.linear.bias.repeat(x.shape[0], 1)
        start = 0
        while True:
            part = slice(start, start + TILE)
            output.addmm_(x[:, part], self.linear.weight[:, part].t())
            start += TILE
            if start >= x.shape[1]:
                break
        return output.tanh_()
