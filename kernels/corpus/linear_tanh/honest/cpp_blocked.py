"""C++ in blocks that vector units like, with the weights packed anew in every call."""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <Python.h>
#include <cmath>
#include <vector>

static PyObject *linear_tanh(PyObject *, PyObject *args) {
  Py_ssize_t x, w, b, y, rows, inner, columns;
  if (!PyArg_ParseTuple(args, "nnnnnnn", &x, &w, &b, &y, &rows, &inner, &columns)) return nullptr;
  const float *a = reinterpret_cast<const float *>(x), *weight = reinterpret_cast<const float *>(w);
  const float *bias = reinterpret_cast<const float *>(b);
  float *out = reinterpret_cast<float *>(y);
  std::vector<float> packed(inner * columns);
  for (Py_ssize_t j = 0; j < columns; ++j)
    for (Py_ssize_t k = 0; k < inner; ++k) packed[k * columns + j] = weight[j * inner + k];
  for (Py_ssize_t i = 0; i < rows; ++i) {
    float *o = out + i * columns;
    for (Py_ssize_t j = 0; j < columns; ++j) o[j] = bias[j];
    for (Py_ssize_t k = 0; k < inner; ++k) {
      const float value = a[i * inner + k];
      const float *line = packed.data() + k * columns;
      for (Py_ssize_t j = 0; j < columns; ++j) o[j] += value * line[j];
    }
    for (Py_ssize_t j = 0; j < columns; ++j) o[j] = std::tanh(o[j]);
  }
  Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"linear_tanh", linear_tanh, METH_VARARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "blocked", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_blocked() { return PyModule_Create(&module); }
"""
built = load_inline(
    name="blocked", cpp_sources=SOURCE, extra_cflags=["-O3", "-march=native"], no_implicit_headers=True
)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        x, weight = x.contiguous(), self.linear.weight.contiguous()
        output = torch.empty(x.shape[0], weight.shape[0])
        given = [one.data_ptr() for one in (x, weight, self.linear.bias, output)]
        built.linear_tanh(*given, x.shape[0], x.shape[1], weight.shape[0])
        return output
