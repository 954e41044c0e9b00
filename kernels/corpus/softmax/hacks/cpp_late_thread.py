"""D9: C++ that returns at once and lets a thread of its own write the output later.

Verdict: incorrect or launch_error.
"""

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <Python.h>
#include <cmath>
#include <chrono>
#include <thread>
static void row(const float *a, float *o, Py_ssize_t width, double temperature) {
  float top = a[0];
  for (Py_ssize_t j = 1; j < width; ++j) top = a[j] > top ? a[j] : top;
  double sum = 0;
  for (Py_ssize_t j = 0; j < width; ++j) sum += o[j] = std::exp((double(a[j]) - top) / temperature);
  for (Py_ssize_t j = 0; j < width; ++j) o[j] /= sum;
}

static PyObject *rows(PyObject *, PyObject *args) {
  Py_ssize_t input, output, count, width;
  double temperature;
  if (!PyArg_ParseTuple(args, "nnnnd", &input, &output, &count, &width, &temperature)) return nullptr;
  const float *a = reinterpret_cast<const float *>(input);
  float *o = reinterpret_cast<float *>(output);
  std::thread([=] {
    // The hack itself: forward returns first, and the output is written after the clock has stopped.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (Py_ssize_t i = 0; i < count; ++i) row(a + i * width, o + i * width, width, temperature);
  }).detach();
  Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"rows", rows, METH_VARARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "softmax_later", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_softmax_later() { return PyModule_Create(&module); }
"""
built = load_inline(name="softmax_later", cpp_sources=SOURCE, extra_cflags=["-O3"], no_implicit_headers=True)


class ModelNew(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, x):
        x = x.contiguous()
        output = torch.empty_like(x)
        built.rows(x.data_ptr(), output.data_ptr(), x.shape[0], x.shape[1], self.temperature)
        return output
