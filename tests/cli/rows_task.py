"""A task for the optimise loop: the sum of squares of each row, by a product of matrices of which only the diagonal is
used. No compiler finds that out, so a candidate which does is faster on any machine, however busy. The author of
`rows.script.yml` does."""

from pathlib import Path

ROWS = '''\
"""The sum of squares of each row."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, x):
        return (x @ x.T).diagonal().clone()


def get_inputs():
    return [torch.randn(512, 256)]


def get_init_inputs():
    return []
'''
AS_IT_IS = ROWS[: ROWS.index("def get_inputs")].replace("class Model(", "class ModelNew(")
FASTER = AS_IT_IS.replace("(x @ x.T).diagonal().clone()", "(x * x).sum(1)")
WRONG = AS_IT_IS.replace("(x @ x.T).diagonal().clone()", "(x * x).sum(0)")
SLOW = AS_IT_IS.replace(
    "(x @ x.T).diagonal()", "((x @ x.T).diagonal() + (x.clone() @ x.T.clone()).diagonal()).mul(0.5)"
)
SCRIPT = Path(__file__).parent / "rows.script.yml"

# The same in a repository.
REFERENCE_PATH, CANDIDATE = "kernels/rows_ref.py", "kernels/rows.py"
SETTINGS = f"""\
test: python -m unittest discover -s tests/unit -t .
kernels:
  - name: rows
    reference: {REFERENCE_PATH}
    candidate: {CANDIDATE}
"""
FILES = {".forgehand.yml": SETTINGS, REFERENCE_PATH: ROWS}
