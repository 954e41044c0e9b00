"""B8: leaves out the soft cap, which small logits hardly show.

Verdict: incorrect (numerical).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, cap):
        super().__init__()
        self.cap = cap

    def forward(self, q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v)
