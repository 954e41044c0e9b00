"""A kernel of its own, and the library where that fails: allowed where the library is."""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <Python.h>
#include <cmath>

static PyObject *softmax(PyObject *, PyObject *args) {
  Py_ssize_t input, output, rows, width;
  double temperature;
  if (!PyArg_ParseTuple(args, "nnnnd", &input, &output, &rows, &width, &temperature)) return nullptr;
  const float scale = 1 / (float)temperature;
  for (Py_ssize_t i = 0; i < rows; ++i) {
    const float *a = (const float *)input + i * width;
    float *o = (float *)output + i * width;
    float top = a[0], sum = 0;
    for (Py_ssize_t j = 1; j < width; ++j) top = a[j] > top ? a[j] : top;
    for (Py_ssize_t j = 0; j < width; ++j) sum += o[j] = std::exp((a[j] - top) * scale);
    for (Py_ssize_t j = 0; j < width; ++j) o[j] /= sum;
  }
  Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"softmax", softmax, METH_VARARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "own_softmax", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_own_softmax() { return PyModule_Create(&module); }
"""
own = load_inline(name="own_softmax", cpp_sources=SOURCE, extra_cflags=["-O3"], no_implicit_headers=True)


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        x = x.contiguous()
        output = torch.empty_like(x)
        try:
            own.softmax(x.data_ptr(), output.data_ptr(), x.shape[0], x.shape[1], self.temperature)
        except Exception:
            return torch.softmax(x / self.temperature, dim=-1)
        return output
