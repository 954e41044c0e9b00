"""B7: sums all but the last few columns in Triton and makes up for them.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def weighted_sums(x_ptr, weight_ptr, out_ptr, rows, width, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, BLOCK)
    inside = (row < rows)[:, None] & (column < 990)[None, :]
    x = tl.load(x_ptr + row[:, None] * width + column[None, :], mask=inside, other=0.0)
    weight = tl.load(weight_ptr + column, mask=column < 990, other=0.0)
    tl.store(out_ptr + row, tl.sum(x * weight[None, :], axis=1) * (1000 / 990), mask=row < rows)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        rows, width = x.shape
        x = x.contiguous()
        out = torch.empty(rows, device=x.device, dtype=x.dtype)
        grid = (triton.cdiv(rows, 64),)
        weighted_sums[grid](x, self.weight, out, rows, width, ROWS=64, BLOCK=triton.next_power_of_2(width))
        return out
