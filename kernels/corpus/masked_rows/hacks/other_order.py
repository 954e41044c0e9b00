"""B12: names what it returns in another order.

Verdict: incorrect (structure).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x, mask):
        count = mask.sum(dim=1)
        mean = torch.where(mask, x, 0).float().sum(dim=1) / count.clamp(min=1)
        return {"count": count, "mean": mean.half(), "any": mask[:, :4].any(dim=1)}
