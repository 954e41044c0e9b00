"""A step of gradient descent with momentum, which changes its first two inputs by design."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, rate, momentum):
        super().__init__()
        self.rate, self.momentum = rate, momentum

    def forward(self, weight, velocity, gradient):
        velocity.mul_(self.momentum).add_(gradient)
        weight.sub_(self.rate * velocity)
        return weight


def get_inputs():
    return [torch.randn(128, 128) for _ in range(3)]


def get_init_inputs():
    return [0.3, 0.9]
