"""Tasks that make a kernel faster: which ones they are, and which kernel is meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codebase.kernel_entries import KernelEntry, Kernels
from store.schema import Task

_NAMED_AT_MOST = 8


def target_of(row: Task) -> str | None:
    """What a task is to make faster, as it was asked for; None for every other task."""
    found = row.request.get("optimize")
    return str(found) if found else None


def holds(row: Task) -> bool:
    """Whether a faster kernel is what speaks for the task's head: it was verified, and the repository's own tests break
    nowhere. No test fails without such a change and passes with it, so the proof alone cannot show it."""
    verified = row.data.get("optimised")
    return (
        isinstance(verified, dict)
        and verified["sha"] == row.head_sha
        and row.data.get("verdict") in ("proven", "unproven", "no_tests")
    )


def expected_checks(row: Task) -> frozenset[str]:
    """The name of the check run that a kernel made faster gets at the task's head; none of any other head."""
    verified = row.data.get("optimised")
    if not isinstance(verified, dict) or verified["sha"] != row.head_sha or "check" not in verified:
        return frozenset()
    return frozenset({str(verified["check"])})


def find(target: str, kernels: Kernels) -> KernelEntry | str:
    """The entry with that name or candidate, or what to tell whoever asked. Pure."""
    if kernels.problems:
        fault = kernels.problems[0]
        return f"the kernels in `{fault.where.path}` cannot be read (line {fault.where.line}): {fault.message}"
    path = target.removeprefix("./")
    found = [one for one in kernels.entries if target == one.name or path == one.candidate]
    if len(found) == 1:
        return found[0]
    if found:
        return f"`{target}` is the candidate of several kernels: ask by name, {_names(found)}"
    known = f" It names {_names(kernels.entries)}." if kernels.entries else " It names no kernels yet."
    return (
        f"`.forgehand.yml` on the base branch names no kernel `{target}`.{known} What is right has to be said there "
        "first, by an entry under `kernels` with `name`, `reference` (a Python file with Model, get_inputs and "
        "get_init_inputs) and `candidate` (the file with ModelNew)"
    )


def _names(entries: Sequence[KernelEntry]) -> str:
    names = [f"`{one.name}`" for one in entries[:_NAMED_AT_MOST]]
    more = len(entries) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
