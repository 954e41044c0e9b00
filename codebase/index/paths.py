"""What a path alone says of a file: whether it tests, stands beside the product, holds code, is a package's front."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TEST = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec|specs)(/|$)"
    r"|(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py)$"
)
ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|benchmarks?|asv_bench|scripts?|tools|ci|\.github|changelog"
    r"|vendor|vendored|third_party|_vendor|packages|node_modules|dist|build)(/|$)"
    r"|(^|/)(setup|versioneer|_version)\.py$"
)
CODE = re.compile(r"\.(pyi?|pyx|[cm]?[jt]sx?|go|rs|java|cc?|cpp|cxx|hh?|hpp|cuh?|rb|php|cs)$")


def marks(paths: Sequence[str]) -> NDArray[np.bool_]:
    """A row for each path: test, aside of the product, no code, front of a package."""
    rows = [
        (
            TEST.search(path) is not None,
            ASIDE.search(path) is not None,
            CODE.search(path) is None,
            path.endswith("__init__.py"),
        )
        for path in paths
    ]
    return np.array(rows, bool).reshape(-1, 4)
