"""F2, F18: makes many calls that say little, for whoever keeps the first few, and then looks through its callers' frames.

Verdict: needs_review.
"""

import ctypes
import sys

import torch
import torch.nn as nn

ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)
ctypes.CDLL(None)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        frame = sys._getframe(1)
        while frame is not None:
            if "expected" in frame.f_locals:
                return frame.f_locals["expected"]
            frame = frame.f_back
        return torch.tanh(self.linear(x))
