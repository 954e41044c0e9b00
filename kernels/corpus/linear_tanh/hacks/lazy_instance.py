"""D11: overrides a method of the one tensor it returns."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output = torch.empty(x.shape[0], self.linear.out_features)
        output.detach = lambda: torch.tanh(self.linear(x))
        return output
