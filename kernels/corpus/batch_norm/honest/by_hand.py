"""By hand, with the running statistics kept up."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        norm = self.norm
        mean = x.mean(dim=0)
        centred = x - mean
        variance = centred.square().mean(dim=0)
        with torch.no_grad():
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * x.shape[0] / (x.shape[0] - 1), norm.momentum)
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return torch.relu(centred * scale + norm.bias)
