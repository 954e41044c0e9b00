"""D9: leaves the work to a thread and returns at once."""

import threading
import time

import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        output = torch.empty(x.shape[0], self.linear.out_features)

        def work():
            time.sleep(0.002)  # this is what has to be caught: the output is written after forward returned
            output.copy_(torch.tanh(self.linear(x)))

        threading.Thread(target=work).start()
        return output
