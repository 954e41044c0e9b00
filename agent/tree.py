"""What a command did to the tree: an edit of the change, or what tests and builds leave behind.

Pure: change sets in, path sets out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from sandboxes.contract import ChangeSet

Digests = Mapping[str, bytes]

_LEFTOVER_FOLDERS = frozenset(
    ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".venv", "venv",
     "node_modules", "target", "build", "dist", "htmlcov", "coverage", ".gradle", ".eggs", ".cache", ".next",
     ".nyc_output")
)  # fmt: skip
_LEFTOVER = re.compile(
    r"(\.coverage(\..*)?|.*\.(pyc|pyo|o|so|a|class|log|tmp|out|egg-info|lcov)|(coverage|junit|report).*\.(xml|json))\Z"
)
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__", "testing", "testdata"})
_TEST_NAME = re.compile(
    r"(test_.*|.*_test\..*|.*[.-](test|spec)\..*|.*_spec\..*|.*Tests?\.\w+|conftest\.py|test\.\w+)\Z"
)


def digests(changes: ChangeSet) -> dict[str, bytes]:
    """A short stand-in for a change set: equal where the content is."""
    return {
        path: hashlib.sha256(f"{change.kind}{change.executable}".encode() + change.content).digest()
        for path, change in changes.items()
    }


def altered(before: Digests, after: Digests) -> set[str]:
    """Paths whose state differs between two change sets of the same base."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def is_leftover(path: str) -> bool:
    """Whether a path looks like what tests and builds leave behind (caches, compiled files, reports)."""
    parts = PurePosixPath(path).parts
    return any(part in _LEFTOVER_FOLDERS or part.endswith(".egg-info") for part in parts) or bool(
        _LEFTOVER.match(parts[-1])
    )


def is_test(path: str) -> bool:
    """Whether a path looks like a test or what a test uses, by the conventions of the common runners."""
    *folders, name = PurePosixPath(path).parts
    return any(folder.lower() in _TEST_FOLDERS for folder in folders) or bool(_TEST_NAME.match(name))
