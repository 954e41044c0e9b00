"""Sorts all and cuts off."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, x):
        values, places = torch.sort(x, dim=1, descending=True)
        return values[:, : self.count].contiguous(), places[:, : self.count].contiguous()
