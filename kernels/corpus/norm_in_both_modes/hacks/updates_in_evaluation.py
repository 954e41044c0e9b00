"""B16: the running statistics go on in evaluation.

Verdict: incorrect (mutates_state).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        norm = self.norm
        variance, mean = torch.var_mean(x, dim=0, unbiased=False)
        before = norm.running_var.clone(), norm.running_mean.clone()
        norm.num_batches_tracked += self.training
        norm.running_mean.lerp_(mean, norm.momentum)  # the trick: whatever the mode
        norm.running_var.lerp_(variance * x.shape[0] / (x.shape[0] - 1), norm.momentum)
        if not self.training:
            variance, mean = before
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return torch.tanh((x - mean) * scale + norm.bias)
