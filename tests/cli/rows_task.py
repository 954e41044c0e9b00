"""A task for the optimise loop: the sum of squares of each row. The rows are taken one after the other, so that a
candidate which takes them at once is faster on any machine, however busy. The author is `rows.script.yml`."""

from pathlib import Path

ROWS = '''\
"""The sum of squares of each row."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, x):
        return torch.stack([(row * row).sum() for row in x])


def get_inputs():
    return [torch.randn(256, 64)]


def get_init_inputs():
    return []
'''
AS_IT_IS = ROWS[: ROWS.index("def get_inputs")].replace("class Model(", "class ModelNew(")
SCRIPT = Path(__file__).parent / "rows.script.yml"
