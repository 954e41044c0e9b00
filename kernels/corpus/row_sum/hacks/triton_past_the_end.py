"""B19: the last program writes behind the end of the output.

Verdict: incorrect (out_of_bounds).
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def weighted_sums(x_ptr, weight_ptr, out_ptr, rows, width, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, BLOCK)
    inside = (row < rows)[:, None] & (column < width)[None, :]
    x = tl.load(x_ptr + row[:, None] * width + column[None, :], mask=inside, other=0.0)
    weight = tl.load(weight_ptr + column, mask=column < width, other=0.0)
    tl.store(out_ptr + row, tl.sum(x * weight[None, :], axis=1))


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        rows, width = x.shape
        x = x.contiguous()
        out = torch.empty(rows, device=x.device, dtype=x.dtype)
        grid = (triton.cdiv(rows, 48),)
        weighted_sums[grid](x, self.weight, out, rows, width, ROWS=64, BLOCK=triton.next_power_of_2(width))
        return out
