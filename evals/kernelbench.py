"""The public KernelBench problems: read from a clone at a commit, made small, and what is known about them. Nothing of
KernelBench is kept here: its problems stay in the clone.

Source: https://github.com/ScalingIntelligence/KernelBench
"""

from __future__ import annotations

import ast
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evals.kernelbench_extents import cut, replaced, whole
from kernels.task import Task, parsed, top_level

Key = tuple[int, int]
_PATH = re.compile(r"KernelBench/level(\d+)/(\d+)_(\w+)\.py")
_BATCH = "batch_size"
ONE_OPERAND = " of "

ROWS: Mapping[Key, str] = {
    (1, 2): "M", (1, 4): "M", (1, 5): "M", (1, 6): "M", (1, 7): "M", (1, 8): "M", (1, 9): "M of A",
    (1, 10): "N", (1, 11): "b", (1, 12): "M", (1, 16): "M", (1, 17): "M", (1, 18): "M",
}  # fmt: skip
"""Problems without a `batch_size`, and the constant that counts rows of one operand and nothing else: their batch.
`M of A`: it counts something else too (in 1/9 the columns of B) and is made smaller only where `get_inputs` makes A."""

KNOWN: Mapping[Key, str] = {
    (1, 19): "return x", (1, 20): "return x", (1, 31): "return x", (1, 32): "return x",
    (1, 23): "zeros", (2, 9): "zeros", (2, 23): "zeros", (2, 38): "zeros", (2, 80): "zeros", (2, 83): "zeros",
    (2, 36): "the output for another input", (2, 42): "the output for another input",
    (2, 65): "the output for another input", (1, 37): "zeros, by arithmetic",
}  # fmt: skip
"""What an earlier audit of ours found right, exactly or at 1e-4, at commit 423217d (research/kernels.md 5.1).

It also named 2/45 for its first row. That is chance: of 300 batches of 3 rows 34% let the first row pass at 1e-4, and
of 900 rows 31% are farther from the first than that (measured 2026-11-21), so with the declared 16,384 rows it never
passes. At 1e-2 it always does."""

FILTERED = frozenset(
    {(1, number) for number in (8, 12, 23, 37, 39, 50, 77, 90, 95, 97)}
    | {(2, number) for number in (9, 13, 23, 27, 36, 38, 41, 44, 45, 49, 58, 66, 77, 80, 83, 84, 89, 91, 93, 96)}
)
"""What METR's filters removed from levels 1 and 2: 30 of the 43 of levels 1 to 3 that the KernelBench v0.1 blog counts
(https://scalingintelligence.stanford.edu/blogs/kernelbenchv01/). The blog names none; these are the problems of
KernelBench 3073bc1 (February 2025) that are not in the copy of METR's set, pavanyellow/KernelBenchFiltered 67a4e2b.
KernelBench has changed or replaced some since (its 1/50, 1/97, 2/27, 2/41, 2/45, 2/58 and 2/66 have other names now):
a problem of this list may be sound today."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`source` as the clone has it."""

    level: int
    number: int
    name: str
    source: bytes

    @property
    def key(self) -> Key:
        return self.level, self.number

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


@dataclass(frozen=True, slots=True)
class Small:
    """A problem with fewer rows. `constant`: which was changed, as `ROWS` names it, None where there is none;
    `declared`: what it was. `extents`: which others were cut, and from what."""

    task: Task
    constant: str | None
    declared: int
    batch: int
    extents: Mapping[str, int] = field(default_factory=dict)


def commit_of(clone: Path, revision: str) -> str:
    """ValueError where there is no such commit."""
    return _git(clone, "rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()


def read_problems(clone: Path, commit: str, levels: tuple[int, ...]) -> list[Problem]:
    """Of these levels, by number. ValueError where the commit has none."""
    found = []
    for path in _git(clone, "ls-tree", "-r", "--name-only", commit, "KernelBench/").decode().splitlines():
        match = _PATH.fullmatch(path)
        if match and int(match[1]) in levels:
            source = _git(clone, "show", f"{commit}:{path}")
            found.append(Problem(int(match[1]), int(match[2]), match[3], source))
    if not found:
        raise ValueError(f"{clone} has no KernelBench problems of these levels at {commit[:12]}")
    return sorted(found, key=lambda one: one.key)


def small(problem: Problem, batch: int) -> Small:
    """With `batch` rows, all else as declared. A problem that has fewer, or no constant that counts rows, stays as it
    is. ValueError where it is not told what to change."""
    name = ROWS.get(problem.key, _BATCH)
    constant, _, operand = name.partition(ONE_OPERAND)
    names = top_level(parsed(problem.source))
    statements = names.get(constant, ())
    values = [one.value for one in statements if isinstance(one, ast.Assign)]
    declared = whole(values[0]) if len(values) == 1 else None
    if declared is None:
        return Small(Task(str(problem), problem.source), None, 0, 0)
    if declared <= batch:
        return Small(Task(str(problem), problem.source), name, declared, declared)
    place = _use(names.get("get_inputs", ()), constant, operand) if operand else values[0]
    return Small(Task(str(problem), replaced(problem.source, place, str(batch))), name, declared, batch)


def smaller(problem: Problem, batch: int, elements: int) -> Small:
    """With `batch` rows, and extents that have at most `elements` together. ValueError as `small`."""
    made = small(problem, batch)
    rows = (made.constant or "").partition(ONE_OPERAND)[0]
    source, extents = cut(made.task.source, rows, elements)
    return replace(made, task=Task(str(problem), source), extents=extents)


def as_candidate(source: bytes) -> bytes:
    """The same program with its class named as a candidate's is: an honest candidate, down to the last bit."""
    tree = parsed(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "Model":
            node.id = "ModelNew"
        elif isinstance(node, ast.ClassDef) and node.name == "Model":
            node.name = "ModelNew"
    return ast.unparse(tree).encode()


def at_declared_size(largest: float, batch: int, smaller: float, fewer: int, declared: int) -> float:
    """The largest number of an output at the declared batch, from what it is at two small ones, where it falls as a
    power of the batch; else infinite. A norm over the whole tensor makes outputs smaller the more there are."""
    if not (0 < largest < smaller and 0 < fewer < batch < declared):
        return math.inf
    power = math.log(smaller / largest) / math.log(batch / fewer)
    return largest * (batch / declared) ** power if power > 0.2 else math.inf


def _use(functions: Sequence[ast.stmt], constant: str, operand: str) -> ast.expr:
    """Where a function makes `operand` of `constant`. ValueError where that is not in one place."""
    made = [
        one.value
        for function in functions
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and [ast.unparse(target) for target in one.targets] == [operand]
    ]
    uses = [one for value in made for one in ast.walk(value) if isinstance(one, ast.Name) and one.id == constant]
    if len(uses) != 1:
        raise ValueError(f"get_inputs makes {operand} of {constant} in {len(uses)} places")
    return uses[0]


def _git(clone: Path, *words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, timeout=60, check=False)
    if done.returncode:
        raise ValueError(f"{clone}: git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()[:200]}")
    return done.stdout
