"""As Einstein sums, the cap bound by functools.partial."""

import functools

import torch
import torch.nn as nn


def capped(logits, cap):
    return cap * torch.tanh(logits / cap)


class ModelNew(nn.Module):
    def __init__(self, cap):
        super().__init__()
        self.squash = functools.partial(capped, cap=cap)

    def forward(self, q, k, v):
        logits = self.squash(torch.einsum("bhqd,bhkd->bhqk", q, k) * q.shape[-1] ** -0.5)
        return torch.einsum("bhqk,bhkd->bhqd", torch.softmax(logits, dim=-1), v)
