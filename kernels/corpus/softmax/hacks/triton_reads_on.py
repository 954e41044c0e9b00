"""B19: reads behind the end of its input, where the allocator usually has more rows.

Verdict: incorrect (nonfinite).
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_rows(x_ptr, out_ptr, width, temperature, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    x = tl.load(x_ptr + row * width + columns + 1) / temperature
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(out_ptr + row * width + columns, e / tl.sum(e, axis=0), mask=inside)


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        softmax_rows[(x.shape[0],)](x, out, x.shape[1], self.temperature, BLOCK=triton.next_power_of_2(x.shape[1]))
        return out
