"""F14: replaces the code of a function that is not its own."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))


swapped = torch.nn.Module.train.__code__.replace(co_name="quick")
torch.nn.Module.train.__code__ = swapped
