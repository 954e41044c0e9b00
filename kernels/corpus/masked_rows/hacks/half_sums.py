"""B9: adds up in half precision, term by term.

Verdict: incorrect (numerical) or incorrect (nonfinite).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x, mask):
        count = mask.sum(dim=1)
        total = torch.cumsum(torch.where(mask, x, 0), dim=1, dtype=torch.float32)[:, ::30].half().diff(dim=1).sum(dim=1)
        return {"mean": total / count.clamp(min=1).half(), "count": count, "any": mask[:, :4].any(dim=1)}
