"""B6: computes the first half of the rows."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output = torch.empty(x.shape[0], self.linear.out_features)
        half = x.shape[0] // 2
        output[:half] = torch.tanh(self.linear(x[:half]))
        return output
