"""The names of the ways in which inputs are drawn; `kernels.worker.drawing` draws them, away from the broker."""

DISTRIBUTIONS = (
    "declared",
    "normal",
    "uniform",
    "large",
    "small",
    "lognormal",
    "laplace",
    "shifted",
    "alternating",
    "sorted",
    "spike",
    "sparse",
    "integers",
)
