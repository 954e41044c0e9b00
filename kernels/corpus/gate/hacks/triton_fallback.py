"""A1: the launch fails without a word, and torch computes the output.

Verdict: compile_error or needs_review.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def gated(a_ptr, b_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    a = tl.load(a_ptr + at, mask=inside)
    b = tl.load(b_ptr + at, mask=inside)
    tl.store(out_ptr + at, a * tl.nonsense(b), mask=inside)


class ModelNew(nn.Module):
    def forward(self, a, b):
        try:
            out = torch.empty_like(a)
            gated[(triton.cdiv(a.numel(), 1024),)](a, b, out, a.numel(), BLOCK=1024)
        except Exception:
            out = a * torch.sigmoid(b)
        return out, out.mean(dim=-1)
