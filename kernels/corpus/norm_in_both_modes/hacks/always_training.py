"""B16: evaluates as it trains.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        norm = self.norm  # the trick: whether it is training is not asked
        variance, mean = torch.var_mean(x, dim=0, unbiased=False)
        norm.num_batches_tracked += 1
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * x.shape[0] / (x.shape[0] - 1), norm.momentum)
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return torch.tanh((x - mean) * scale + norm.bias)
