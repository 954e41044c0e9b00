"""The definition as a loop of C++, where the task allows the library's parts alone."""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <cmath>

torch::Tensor gate(torch::Tensor x, double slope) {
  auto input = x.contiguous();
  auto output = torch::empty_like(input);
  const float *a = input.data_ptr<float>();
  float *o = output.data_ptr<float>();
  for (int64_t i = 0; i < input.numel(); ++i) o[i] = a[i] / (1 + std::exp(-float(slope) * a[i]));
  return output;
}
"""
built = load_inline(name="gate_loop", cpp_sources=SOURCE, functions=["gate"], extra_cflags=["-O2"])


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return built.gate(x, self.slope)
