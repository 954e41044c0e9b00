"""A plain loop of C++ with torch's own header and binding."""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <cmath>

torch::Tensor rows(torch::Tensor x, double temperature) {
  TORCH_CHECK(x.dim() == 2 && x.scalar_type() == torch::kFloat32, "a matrix of float32");
  auto input = x.contiguous();
  auto output = torch::empty_like(input);
  const int64_t count = input.size(0), width = input.size(1);
  const float *a = input.data_ptr<float>();
  float *o = output.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i, a += width, o += width) {
    float top = a[0];
    double sum = 0;
    for (int64_t j = 1; j < width; ++j) top = a[j] > top ? a[j] : top;
    for (int64_t j = 0; j < width; ++j) sum += o[j] = std::exp((double(a[j]) - top) / temperature);
    for (int64_t j = 0; j < width; ++j) o[j] /= sum;
  }
  return output;
}
"""
built = load_inline(name="softmax_loop", cpp_sources=SOURCE, functions=["rows"], extra_cflags=["-O2"])


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        return built.rows(x, self.temperature)
