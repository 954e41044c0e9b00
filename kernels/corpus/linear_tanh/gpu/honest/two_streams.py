"""Two streams, each waiting for what it needs."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.stream = torch.cuda.Stream()

    def forward(self, x):
        here, half = torch.cuda.current_stream(), x.shape[0] // 2
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            second = torch.tanh(self.linear(x[half:]))
        x.record_stream(self.stream)
        first = torch.tanh(self.linear(x[:half]))
        here.wait_stream(self.stream)
        second.record_stream(here)
        return torch.cat([first, second])
