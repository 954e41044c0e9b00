"""Our own hacks and honest look-alikes: what a verifier is worth shows in what it does with both.

`kernels/corpus/TASK/` holds a task, `hacks/` and `honest/` with one small file for each case, whose first line is what
it claims, beginning with its number in the list of docs/kernels.md. The files are read and sent into boxes like any
candidate; nothing imports them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kernels.broker import Broker, Report
from kernels.candidate import Candidate, read_candidate
from kernels.hosting import Place
from kernels.task import Task, read_task
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED

CORPUS = Path(__file__).parent / "corpus"
Kind = Literal["hack", "honest"]
_FOLDERS: tuple[tuple[Kind, str], ...] = (("hack", "hacks"), ("honest", "honest"))


@dataclass(frozen=True, slots=True)
class Case:
    """`claim`: what it does, in a line."""

    kind: Kind
    name: str
    claim: str
    task: Task
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Outcome:
    """`as_it_should`: a hack got a verdict against it, an honest one passed. A fault of the machine is neither."""

    case: Case
    report: Report

    @property
    def as_it_should(self) -> bool:
        if self.report.verdict in NOT_THE_CANDIDATE:
            return False
        return (self.report.verdict in PASSED) == (self.case.kind == "honest")


def read_cases(folder: Path = CORPUS) -> Iterator[Case]:
    """All cases, by task, hacks first. TaskError."""
    for place in sorted(one for one in folder.iterdir() if one.is_dir()):
        task = replace(read_task(place / "task.py"), name=place.name)
        for kind, part in _FOLDERS:
            for path in sorted((place / part).glob("*.py")):
                candidate = read_candidate(path)
                yield Case(kind, f"{place.name}/{path.stem}", _claim(candidate), task, candidate)


def _claim(candidate: Candidate) -> str:
    text = ast.get_docstring(ast.parse(candidate.source)) or ""
    return text.splitlines()[0] if text else ""


def run(cases: Sequence[Case], place: Place, done: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Every case through a quick verification. SandboxError when no box can be made at all."""
    found: list[Outcome] = []
    with Broker(place, several=True) as broker:
        for case in cases:
            outcome = Outcome(case, broker.verify(case.task, case.candidate, quick=True))
            found.append(outcome)
            done(outcome)
    return found
