"""As a product in single precision, the mask as numbers."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x, mask):
        ones = mask.float()
        count = ones.sum(dim=1).long()
        total = (x.float() * ones).sum(dim=1)
        return {"mean": (total / count.clamp(min=1)).half(), "count": count, "any": mask[:, :4].sum(dim=1) > 0}
