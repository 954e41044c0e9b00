"""What the rows of a KernelBench audit say together, beside what is known and what was published. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.kernelbench import KNOWN, ONE_OPERAND, Key
from kernels.verdicts import NOT_THE_CANDIDATE

_STRICT = 1e-4
_OF_A_NULL = " is right on the task's own inputs"
Row = Mapping[str, Any]


@dataclass(slots=True)
class Findings:
    """By problem, as `1/19`. `degenerate`: why its own inputs let something pass that does not compute it, at 1e-4 or a
    stricter comparison, or why else it cannot be graded. `loose`: nulls that pass at 1e-2 alone. `fewer_rows`: audited
    with one row, and why not with more. `one_operand`: with fewer rows in one operand alone, and in which. `missed`:
    known and not found, `new`: found and not known. `half`: how many take bfloat16 at each tolerance. `unseen`: notes
    on parameters. `candidates`: references that were judged as their own candidates; `convicted`: those that did not
    pass; `not_judged`: those of which nothing was said, since the task was refused with so few rows or the machine
    failed."""

    audited: int = 0
    degenerate: dict[str, list[str]] = field(default_factory=dict)
    loose: dict[str, list[str]] = field(default_factory=dict)
    invalid: list[str] = field(default_factory=list)
    not_audited: dict[str, str] = field(default_factory=dict)
    fewer_rows: dict[str, str] = field(default_factory=dict)
    one_operand: dict[str, str] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    half: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, list[str]] = field(default_factory=dict)
    candidates: int = 0
    convicted: dict[str, str] = field(default_factory=dict)
    not_judged: dict[str, str] = field(default_factory=dict)


def key_of(name: str) -> Key:
    level, _, number = name.partition("/")
    return int(level), int(number)


def findings(rows: Sequence[Row]) -> Findings:
    """In the order of the problems' numbers."""
    found = Findings()
    for row in sorted(rows, key=lambda one: key_of(one["problem"])):
        if row["kind"] == "candidate":
            why = f"{row['verdict']} at {row['stage']}: {'; '.join(row['reasons'])}"
            if row["verdict"] in NOT_THE_CANDIDATE:
                found.not_judged[row["problem"]] = why
                continue
            found.candidates += 1
            if not row["passed"]:
                found.convicted[row["problem"]] = why
        elif row["outcome"] == "audited":
            _add(found, row)
        else:
            found.not_audited[row["problem"]] = f"{row['outcome']}: {row['why']}"
    audited = {row["problem"] for row in rows if row["kind"] == "audit" and row["outcome"] == "audited"}
    known = {f"{level}/{number}" for level, number in KNOWN}
    found.missed = sorted((known & audited) - set(found.degenerate), key=key_of)
    found.new = [name for name in found.degenerate if name not in known]
    return found


def _add(found: Findings, row: Row) -> None:
    name, audit = row["problem"], row["audit"]
    found.audited += 1
    if audit["verdict"] != "sound":
        found.invalid.append(name)
    if why := list(_why(row)):
        found.degenerate[name] = why
    elif loose := [one["null"] for one in _own(audit) if one["tolerance"] == "1e-2"]:
        found.loose[name] = loose
    if more := row.get("with_more_rows"):
        found.fewer_rows[name] = f"{more['outcome']} with {more['batch']} rows: {more['why']}"
    constant = row.get("constant")
    if constant and ONE_OPERAND in constant:
        found.one_operand[name] = f"{constant} is {row['batch']} instead of {row['declared']}, elsewhere as declared"
    for level in audit["bfloat16"]["passes"]:
        found.half[level] = found.half.get(level, 0) + 1
    if unseen := [
        f"{one['name']} {one['value']:g} as {', '.join(f'{other:g}' for other in one['unseen'])}"
        for one in audit["scalars"]
        if one["unseen"]
    ]:
        found.unseen[name] = unseen


def _own(audit: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (one for one in audit["degenerate"] if one["inputs"] == "declared")


def _why(row: Row) -> Iterator[str]:
    audit = row["audit"]
    by_null: dict[str, list[str]] = {}
    for one in _own(audit):
        if one["tolerance"] != "1e-2":
            by_null.setdefault(one["null"], []).append(one["tolerance"])
    for null, at in by_null.items():
        yield f"{null} ({', '.join(at)})"
    yield from (one for one in audit["problems"] if not one.endswith(_OF_A_NULL))
    size = row.get("largest_at_declared_batch")
    if size is not None and size <= _STRICT:
        yield f"an output of zeros (1e-4 by arithmetic: with {row['declared']} rows no number is above {size:.2g})"
