"""In chunks of rows, how many remembered by shape with functools.lru_cache."""

import functools

import torch
import torch.nn as nn


@functools.lru_cache(maxsize=None)
def rows_at_once(count):
    return max(1, count // 3)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x, branch):
        output = torch.empty(x.shape, device=x.device)
        for start in range(0, x.shape[0], rows_at_once(x.shape[0])):
            part = slice(start, start + rows_at_once(x.shape[0]))
            torch.add(x[part], nn.functional.silu(branch[part] + self.bias), out=output[part])
        return output
