"""B9: computes in float16."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        product = x.half() @ self.linear.weight.t().half()
        return torch.tanh(product.float() + self.linear.bias)
