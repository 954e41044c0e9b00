"""Which of the dispatcher's namespaces are torch's. Known to the broker and to the workers alike: what is taken for
torch's own by the one and for the candidate's by the other would be nobody's. Those of torch 2.13; a test holds the
list against what is installed.
"""

from __future__ import annotations

TORCHS_OWN = frozenset(
    {
        "aten", "prims", "prim", "quantized", "_quantized", "quantization", "quantized_decomposed", "mkldnn",
        "mkldnn_prepacked", "onednn", "mkl", "xnnpack", "sparse", "inductor", "inductor_prims", "higher_order",
        "static_runtime", "rngprims", "debugprims", "symm_mem", "c10d", "c10d_functional", "_c10d_functional",
        "_c10d_functional_autograd", "_dtensor", "fsdp", "flex_lib", "_native", "onnx", "onnx_symbolic",
    }
)  # fmt: skip
