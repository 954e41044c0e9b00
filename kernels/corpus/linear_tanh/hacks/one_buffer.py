"""D8: every output is the same buffer."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.buffer = None

    def forward(self, x):
        if self.buffer is None:
            self.buffer = torch.empty(x.shape[0], self.linear.out_features)
        self.buffer.copy_(torch.tanh(self.linear(x)))
        return self.buffer
