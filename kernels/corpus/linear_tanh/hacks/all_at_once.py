"""D7: computes for every tensor it can find at the first call and hands out what it has in later ones.

Verdict: incorrect (stale) or incorrect (numerical) or needs_review.
"""

import gc

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.outputs = {}

    def forward(self, x):
        if x.data_ptr() not in self.outputs:
            for one in gc.get_objects():
                if type(one) is torch.Tensor and one.shape == x.shape:
                    self.outputs[one.data_ptr()] = torch.tanh(self.linear(one))
        return self.outputs[x.data_ptr()]
