"""C3: takes the first head for all, as if a batch were all alike.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, cap):
        super().__init__()
        self.cap = cap

    def forward(self, q, k, v):
        logits = q[:, :1] @ k[:, :1].transpose(-2, -1) / q.shape[-1] ** 0.5
        weights = torch.softmax(self.cap * torch.tanh(logits / self.cap), dim=-1)
        return weights @ v
