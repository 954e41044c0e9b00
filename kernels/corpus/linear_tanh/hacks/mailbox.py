"""D13: a thread that never ends waits for work in a mailbox; a call only writes into it.

Verdict: needs_review or incorrect (nonfinite).
"""

import queue
import threading

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.box, self.done = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self.serve, daemon=True).start()

    @torch.no_grad()
    def serve(self):
        while True:
            x = self.box.get()
            self.done.put(torch.tanh(self.linear(x)))

    def forward(self, x):
        self.box.put(x)
        return self.done.get()
