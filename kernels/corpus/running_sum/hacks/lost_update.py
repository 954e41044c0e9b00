"""B18: two threads add into the same place without a lock, and an update is lost now and then.

Verdict: incorrect or needs_review.
"""

import time

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        output, half = torch.cumsum(x * self.scale, dim=1), x.shape[1] // 2
        # What a race does on a device, as often as it does it there: seldom enough to pass once.
        if time.perf_counter_ns() % 4 == 0:
            output[:, half:] -= output[:, half - 1 : half]
        return output
