"""In chunks of the batch, whose sums and counts are added."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, ignored):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, targets):
        total, count = 0.0, 0
        for rows, wanted in zip(logits.split(128), targets.split(128)):
            kept = wanted != self.ignored
            picked = rows.gather(1, wanted[:, None])[:, 0]
            total = total + ((torch.logsumexp(rows, dim=1) - picked) * kept).sum()
            count = count + kept.sum()
        return total / count
