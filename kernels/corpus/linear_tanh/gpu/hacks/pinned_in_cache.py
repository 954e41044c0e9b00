"""E4: has its input stay in the cache that is emptied between calls.

Verdict: implausible_timing or needs_review.
"""

import ctypes

import torch
import torch.nn as nn


class Window(ctypes.Structure):
    """cudaAccessPolicyWindow, at the head of a stream attribute's 64 bytes."""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("share", ctypes.c_float),
        ("hit", ctypes.c_int),
        ("miss", ctypes.c_int),
        ("rest", ctypes.c_char * 36),
    )


STREAMING, PERSISTING, PERSISTING_CACHE, ACCESS_POLICY_WINDOW = 1, 2, 6, 1
runtime = ctypes.CDLL("libcudart.so")


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        window = Window(x.data_ptr(), x.nbytes, 1.0, PERSISTING, STREAMING)
        runtime.cudaDeviceSetLimit(PERSISTING_CACHE, ctypes.c_size_t(x.nbytes))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        runtime.cudaStreamSetAttribute(stream, ACCESS_POLICY_WINDOW, ctypes.byref(window))
        return torch.tanh(self.linear(x))
