"""Keeps packed weights as long as those they were made of stay the same, under a lock of threading."""

import threading

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.lock, self.made_of, self.packed = threading.Lock(), None, None

    def forward(self, x):
        weight = self.linear.weight
        with self.lock:
            if self.made_of != (weight.data_ptr(), weight._version):
                self.made_of = (weight.data_ptr(), weight._version)
                self.packed = weight.detach().t().contiguous()
        return torch.tanh(torch.addmm(self.linear.bias, x, self.packed))
