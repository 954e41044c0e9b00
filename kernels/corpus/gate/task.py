"""Two inputs, two outputs."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, a, b):
        gated = a * torch.sigmoid(b)
        return gated, gated.mean(dim=-1)


def get_inputs():
    return [torch.randn(256, 384), torch.randn(256, 384)]


def get_init_inputs():
    return []
