"""B9: takes its logarithms in half precision.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, probability, target):
        yes = probability.bfloat16().log().float().clamp_(min=-100)
        no = torch.log1p(-probability.bfloat16()).float().clamp_(min=-100)
        return torch.lerp(no, yes, target).neg_()
