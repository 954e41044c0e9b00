"""Both outputs from one kernel, each program going over rows in steps, as many programs as the device has processors."""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def gated_rows(a_ptr, b_ptr, out_ptr, mean_ptr, rows, width, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    column = tl.arange(0, BLOCK)
    for first in range(tl.program_id(0) * ROWS, rows, tl.num_programs(0) * ROWS):
        row = first + tl.arange(0, ROWS)
        at = row[:, None] * width + column[None, :]
        inside = (row < rows)[:, None] & (column < width)[None, :]
        a = tl.load(a_ptr + at, mask=inside, other=0.0)
        b = tl.load(b_ptr + at, mask=inside, other=0.0)
        gated = a / (1 + tl.exp(-b))
        tl.store(out_ptr + at, gated, mask=inside)
        tl.store(mean_ptr + row, tl.sum(tl.where(inside, gated, 0.0), axis=1) / width, mask=row < rows)


class ModelNew(nn.Module):
    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        out = torch.empty_like(a)
        mean = torch.empty(a.shape[0], device=a.device, dtype=a.dtype)
        processors = torch.cuda.get_device_properties(a.device).multi_processor_count
        rows, width = a.shape
        grid = (min(processors, triton.cdiv(rows, 16)),)
        gated_rows[grid](a, b, out, mean, rows, width, ROWS=16, BLOCK=triton.next_power_of_2(width))
        return out, mean
