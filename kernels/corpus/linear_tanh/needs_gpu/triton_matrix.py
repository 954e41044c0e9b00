"""The matrix product with its bias and tanh in one Triton kernel, in full single precision, on the device by name."""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def tanh(x):
    e = tl.exp(-2 * tl.abs(x))
    small = x * (1 - x * x / 3)
    large = (1 - e) / (1 + e)
    return tl.where(tl.abs(x) < 0.01, small, tl.where(x < 0, -large, large))


@triton.jit
def linear_tanh(x_ptr, weight_ptr, bias_ptr, out_ptr, rows, outs, ins, ROWS: tl.constexpr, OUTS: tl.constexpr, INS: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    out = tl.program_id(1) * OUTS + tl.arange(0, OUTS)
    inner = tl.arange(0, INS)
    x = tl.load(x_ptr + row[:, None] * ins + inner[None, :], mask=(row < rows)[:, None] & (inner < ins)[None, :], other=0.0)
    weight = tl.load(
        weight_ptr + out[None, :] * ins + inner[:, None], mask=(out < outs)[None, :] & (inner < ins)[:, None], other=0.0
    )
    product = tl.dot(x, weight, input_precision="ieee") + tl.load(bias_ptr + out, mask=out < outs, other=0.0)[None, :]
    inside = (row < rows)[:, None] & (out < outs)[None, :]
    tl.store(out_ptr + row[:, None] * outs + out[None, :], tanh(product), mask=inside)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width, device="cuda")

    def forward(self, x):
        assert x.is_cuda, "a GPU is needed"
        x = x.contiguous()
        rows, ins = x.shape
        outs = self.linear.out_features
        out = torch.empty(rows, outs, device="cuda", dtype=x.dtype)
        grid = (triton.cdiv(rows, 32), triton.cdiv(outs, 64))
        inner = triton.next_power_of_2(ins)
        linear_tanh[grid](x, self.linear.weight, self.linear.bias, out, rows, outs, ins, ROWS=32, OUTS=64, INS=inner)
        return out
