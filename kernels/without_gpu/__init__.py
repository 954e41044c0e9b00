"""Candidates that need a GPU, on a machine that has none: checked as far as that goes, and never called faster.

Triton runs in its own interpreter (numbers and addresses) and through its compiler (what the device would be given);
CUDA sources go through nvcc and no further. Whatever is right there ends as `needs_gpu`, with what was and what was not
checked; what a wrong number, an address outside of every buffer or a compiler proves is the verdict it would be anyway.
"""

from kernels.without_gpu.facts import CompiledKernel, WithoutGpu
from kernels.without_gpu.needs import Kind, Need, need

__all__ = ["CompiledKernel", "Kind", "Need", "WithoutGpu", "need"]
