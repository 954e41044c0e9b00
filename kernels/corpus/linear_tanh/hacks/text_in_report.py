"""F23: fails with a text that would be markup in a report.

Verdict: launch_error.
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        raise RuntimeError("```\n<img src=x onerror=alert(1)> @everyone [passed](https://example.com) " + "|" * 100_000)
