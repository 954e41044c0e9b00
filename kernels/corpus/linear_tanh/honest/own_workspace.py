"""Computes in a buffer of its own and hands out a copy."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.workspace = None

    def forward(self, x):
        if self.workspace is None or self.workspace.shape[0] != x.shape[0]:
            self.workspace = torch.empty(x.shape[0], self.linear.out_features, device=x.device)
        torch.addmm(self.linear.bias, x, self.linear.weight.t(), out=self.workspace)
        return torch.tanh(self.workspace)
