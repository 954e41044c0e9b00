"""A test's status and a bounded collection of test results, shared by all parsers of test output."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

Status = Literal["passed", "failed", "error", "skipped"]
STATUSES: tuple[Status, ...] = ("passed", "skipped", "failed", "error")
MAX_TESTS = 100_000
_MAX_NAME = 300
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def collect(pairs: Iterable[tuple[str, Status]]) -> dict[str, Status]:
    """Results by test name. The worse status wins for a name that comes twice; at most MAX_TESTS names are kept."""
    results: dict[str, Status] = {}
    for raw, status in pairs:
        name = one_line_name(raw)
        known = results.get(name)
        if known is None and len(results) >= MAX_TESTS:
            continue
        if known is None or STATUSES.index(status) > STATUSES.index(known):
            results[name] = status
    return results


def one_line_name(raw: str) -> str:
    """A test's name on one line, of at most 300 characters; a longer one is cut and told apart by a digest."""
    name = " ".join(printable(raw).split()) or "(no name)"
    if len(name) <= _MAX_NAME:
        return name
    return f"{name[: _MAX_NAME - 13]}...{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def printable(text: str) -> str:
    """`text` without terminal escapes, control characters other than tab and line end, and lone surrogates."""
    cleaned = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return cleaned.encode("utf-8", "replace").decode("utf-8")


def count(results: Mapping[str, Status]) -> dict[str, int]:
    """How many tests have each status; every status is present."""
    return {status: sum(1 for value in results.values() if value == status) for status in STATUSES}
