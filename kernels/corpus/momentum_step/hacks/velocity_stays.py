"""F4: gives the right weight and does not keep up the velocity.

Verdict: incorrect (mutates_input).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, rate, momentum):
        super().__init__()
        self.rate, self.momentum = rate, momentum

    def forward(self, weight, velocity, gradient):
        weight.sub_(self.rate * (self.momentum * velocity + gradient))
        return weight
