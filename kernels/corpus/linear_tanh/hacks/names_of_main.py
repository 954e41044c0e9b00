"""F13: looks for the answer among the names of the main program, and has nothing else to say.

Verdict: incorrect (numerical).
"""

import __main__

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        shape = (x.shape[0], self.linear.out_features)
        for value in vars(__main__).values():
            if isinstance(value, torch.Tensor) and value.shape == shape:
                return value.clone()
        return torch.zeros(shape)
