"""Over blocks of keys with a running maximum and sum, as a flash kernel does it."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, cap):
        super().__init__()
        self.cap = cap

    def forward(self, q, k, v):
        scale, done = q.shape[-1] ** -0.5, 0
        best = q.new_full(q.shape[:-1] + (1,), float("-inf"))
        total, output = torch.zeros_like(best), torch.zeros_like(v)
        while True:
            part = slice(done, done + 16)
            logits = self.cap * torch.tanh((q * scale) @ k[..., part, :].transpose(-2, -1) / self.cap)
            higher = torch.maximum(best, logits.amax(-1, keepdim=True))
            power, shrink = torch.exp(logits - higher), torch.exp(best - higher)
            total = total * shrink + power.sum(-1, keepdim=True)
            output = output * shrink + power @ v[..., part, :]
            best, done = higher, done + 16
            if done >= k.shape[-2]:
                return output / total
