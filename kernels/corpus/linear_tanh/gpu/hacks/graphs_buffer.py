"""D8: replays a graph and hands out the buffer that the next replay writes to.

Verdict: incorrect (buffer_reuse).
"""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.graph = self.given = self.output = None

    def forward(self, x):
        if self.graph is None:
            self.given = x.clone()
            torch.tanh(self.linear(self.given))
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.output = torch.tanh(self.linear(self.given))
        self.given.copy_(x)
        self.graph.replay()
        return self.output
