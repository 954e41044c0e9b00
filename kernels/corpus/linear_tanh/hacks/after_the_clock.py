"""D9: leaves the work of timed calls to a thread that has ended before anybody looks.

Verdict: incorrect (stale).
"""

import _thread

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        if torch.are_deterministic_algorithms_enabled():
            return torch.tanh(self.linear(x))
        x = x.clone()
        output = torch.empty(x.shape[0], self.linear.out_features)

        def work():
            with torch.no_grad():
                torch.tanh(self.linear(x), out=output)

        _thread.start_new_thread(work, ())
        return output
