"""A torch.autograd.Function of its own, with a backward beside the forward."""

import torch
import torch.nn as nn


class Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        centred = x - x.mean(dim=-1, keepdim=True)
        scale = torch.rsqrt(centred.square().mean(dim=-1, keepdim=True) + eps)
        normal = centred * scale
        ctx.save_for_backward(normal, scale, weight)
        return normal * weight + bias

    @staticmethod
    def backward(ctx, grad):
        normal, scale, weight = ctx.saved_tensors
        inner = grad * weight
        back = inner - inner.mean(-1, keepdim=True) - normal * (inner * normal).mean(-1, keepdim=True)
        return back * scale, (grad * normal).sum(0), grad.sum(0), None


class ModelNew(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x):
        return Normalised.apply(x, self.norm.weight, self.norm.bias, self.norm.eps)
