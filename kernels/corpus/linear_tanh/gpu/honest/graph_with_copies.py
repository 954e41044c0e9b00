"""A graph into which every input is copied, and out of which every output is."""

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.graphs = {}

    def forward(self, x):
        key = tuple(x.shape)
        if key not in self.graphs:
            given = x.clone()
            torch.tanh(self.linear(given))
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                output = torch.tanh(self.linear(given))
            self.graphs[key] = graph, given, output
        graph, given, output = self.graphs[key]
        given.copy_(x)
        graph.replay()
        return output.clone()
