"""Views, copies and memory are nobody's computation."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        flat = x.reshape(-1).contiguous()
        found = torch.empty_like(flat)
        for part, place in zip(flat.chunk(4), found.chunk(4), strict=True):
            place.copy_(part * torch.exp(-self.slope * part).add_(1).reciprocal_())
        return found.view(x.shape)
