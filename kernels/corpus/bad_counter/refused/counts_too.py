"""C8: counts calls as the reference does, which makes what is right a matter of when it is asked.

Verdict: invalid_task.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x * self.calls
