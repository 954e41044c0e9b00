"""Which kernels of a pull request are verified, and whose word counts. Pure.

What is right is said by the base branch. Where the pull request itself says it (a new entry, a changed entry, a changed
reference), it is verified by that, and a person has to read it before the verdict is worth anything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from codebase.kernel_entries import KernelEntry, Kernels
from codebase.repository_settings import Problem


@dataclass(frozen=True, slots=True)
class Planned:
    """`at`: where the reference is read. `unread`: why a person must read the reference first, None where none must."""

    entry: KernelEntry
    at: Literal["base", "head"]
    unread: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """`unknown`: names that were asked for and that nothing is called by. `problem`: what is wrong with the settings;
    `of`: at which side its line counts."""

    checks: tuple[Planned, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: Problem | None = None
    of: Literal["base", "head"] = "head"


def plan(
    base: Kernels, before: Kernels, head: Kernels, changed: Collection[str], names: Collection[str] | None = None
) -> Plan:
    """`before`: the section where the pull request branched off. `changed`: the paths it changes, of renamed files
    both. `names`: verified whether touched or not; None for those that are touched."""
    known = {entry.name for side in (base, head) for entry in side.entries}
    found = (_planned(name, base, before, head, changed, asked=names is not None) for name in sorted(known))
    checks = tuple(one for one in found if one is not None and (names is None or one.entry.name in names))
    unknown = tuple(sorted(set(names or ()) - known))
    if head.problems:
        return Plan(checks, unknown, head.problems[0], "head")
    # What this pull request mends is no problem of it.
    still = base.problems and head == before
    return Plan(checks, unknown, base.problems[0] if still else None, "base")


def _planned(
    name: str, base: Kernels, before: Kernels, head: Kernels, changed: Collection[str], *, asked: bool
) -> Planned | None:
    ours, then, theirs = base.named(name), before.named(name), head.named(name)
    if base.problems:
        then = None
    if theirs is not None and theirs not in (ours, then):
        said = "is not in the base branch's settings" if ours is None else "is changed by this pull request"
        return Planned(theirs, "head", f"The entry {name} {said}.")
    if ours is None:
        return None
    if ours.reference in changed:
        return Planned(ours, "head", f"The reference {ours.reference} is changed by this pull request.")
    return Planned(ours, "base", None) if asked or ours.candidate in changed else None
