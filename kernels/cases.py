"""Our own hacks and honest look-alikes: what a verifier is worth shows in what it does with both.

`kernels/corpus/TASK/` holds a task (`task.py`, or `task.toml` with its reference beside it) and folders of cases, one
small file each. The docstring's first line is what it claims, a hack's with its numbers in the list of
docs/kernel-corpus.md before a colon; a later line `Verdict: incorrect (stale).` says as what it is to be found out.

    hacks/                      a verdict against it is what should come out
    honest/                     must pass
    refused/                    exploits what is wrong with the task: invalid_task should come out, for the task's sake
    needs_gpu/                  an honest source for a GPU: without one no more than needs_gpu may be said of it
    gpu/hacks/, gpu/honest/     say something only on a GPU: not run where none is, and then counted nowhere

The files are read and sent into boxes like any candidate; nothing imports them.
"""

from __future__ import annotations

import ast
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from kernels.broker import Broker, Report
from kernels.candidate import Candidate, read_candidate
from kernels.compiling import builds
from kernels.devices import Device, Keeper
from kernels.hosting import Place
from kernels.task import Task, TaskError, read_task
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED, Verdict, Wrong

CORPUS = Path(__file__).parent / "corpus"
LANES = 2
Kind = Literal["hack", "honest", "refused", "needs_gpu"]
_FOLDERS: tuple[tuple[Kind, str, bool], ...] = (
    ("hack", "hacks", False),
    ("honest", "honest", False),
    ("refused", "refused", False),
    ("needs_gpu", "needs_gpu", False),
    ("hack", "gpu/hacks", True),
    ("honest", "gpu/honest", True),
)
_ENTRIES = re.compile(r"[A-G][1-9][0-9]?(?:, [A-G][1-9][0-9]?)*(?=: )")
_EXPECTED = re.compile(r"^Verdict: (.+)\.$", re.MULTILINE)
_ONE_EXPECTED = re.compile(r"(\w+)(?: \((\w+)\))?")
Expected = tuple[Verdict, Wrong | None]


@dataclass(frozen=True, slots=True)
class Case:
    """`claim`: what it does, in a line. `entries`: of the list that it shows; an honest one shows none. `expected`: the
    verdicts any of which finds it out for what it is, the second part None where it may be any; empty where the case
    says none. `on_device`: it says something only on a GPU."""

    kind: Kind
    name: str
    claim: str
    task: Task
    candidate: Candidate
    entries: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    on_device: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`as_it_should`: a hack got a verdict against it, an honest one passed, of what needs a GPU was said just that,
    and a task that is not worth grading was refused. A fault of the machine is none of them. `as_it_says`: the verdict
    is one of those that the case itself names."""

    case: Case
    report: Report

    @property
    def as_it_should(self) -> bool:
        verdict = self.report.verdict
        match self.case.kind:
            case "hack":
                return verdict not in PASSED | NOT_THE_CANDIDATE | {Verdict.needs_gpu}
            case "honest":
                return verdict in PASSED
            case "refused":
                return verdict is Verdict.invalid_task
            case "needs_gpu":
                return verdict is Verdict.needs_gpu

    @property
    def as_it_says(self) -> bool:
        said = self.case.expected
        return not said or any(
            self.report.verdict is verdict and wrong in (None, self.report.wrong) for verdict, wrong in said
        )


def read_cases(folder: Path = CORPUS) -> Iterator[Case]:
    """All cases, by task, hacks first, in an order that does not change. TaskError, also for a folder without a task
    and a case that names an impossible verdict."""
    for place in sorted(one for one in folder.iterdir() if one.is_dir()):
        task = replace(read_task(place if (place / "task.toml").exists() else place / "task.py"), name=place.name)
        for kind, part, on_device in _FOLDERS:
            for path in sorted((place / part).glob("*.py")):
                yield _case(kind, path, task, on_device=on_device)


def _case(kind: Kind, path: Path, task: Task, *, on_device: bool) -> Case:
    candidate = read_candidate(path)
    try:
        text = ast.get_docstring(ast.parse(candidate.source)) or ""
        expected = _expected(text)
    except (SyntaxError, ValueError) as error:
        raise TaskError(f"the case {path} cannot be read: {error}") from None
    claim = text.partition("\n")[0]
    entries = _ENTRIES.match(claim)
    return Case(
        kind,
        f"{task.name}/{'gpu/' if on_device else ''}{path.stem}",
        claim,
        task,
        candidate,
        entries=tuple(entries[0].split(", ")) if entries else (),
        expected=expected,
        on_device=on_device,
    )


def _expected(text: str) -> tuple[Expected, ...]:
    """ValueError for a verdict that is none."""
    found: list[Expected] = []
    for said in _EXPECTED.findall(text):
        for one in said.split(" or "):
            words = _ONE_EXPECTED.fullmatch(one)
            if words is None:
                raise ValueError(f"{one!r} is no verdict")
            found.append((Verdict(words[1]), Wrong(words[2]) if words[2] else None))
    return tuple(found)


def for_a_device(cases: Sequence[Case]) -> Iterator[Case]:
    """Those that say something where there is a device, as what they are there: an honest source for a GPU has to pass.
    What is C++ for the processor is nothing for one."""
    for case in cases:
        if case.kind == "needs_gpu":
            yield replace(case, kind="honest")
        elif case.on_device or not builds(case.candidate):
            yield case


def verified(broker: Broker, case: Case) -> Report:
    return broker.verify(case.task, case.candidate, quick=True)


def run(
    cases: Sequence[Case],
    place: Place,
    done: Callable[[Outcome], None] = lambda _: None,
    *,
    verify: Callable[[Broker, Case], Report] = verified,
    lanes: int = LANES,
    keeper: Keeper | None = None,
) -> list[Outcome]:
    """Every case through `verify`; the outcomes in the order of the cases. SandboxError.

    Cases of a task stay together, for its reference to be there still, and so many tasks are under way at once: each
    disturbs the other's times, of which nothing here depends. `done` hears of one outcome at a time, as they come. On a
    device there is one lane: it is one verification's at a time.
    """
    by_task: dict[str, list[Case]] = {}
    for case in cases:
        by_task.setdefault(case.task.name, []).append(case)
    waiting = deque(sorted(by_task.values(), key=len, reverse=True))  # the longest first: both lanes end together
    found: dict[str, Outcome] = {}
    telling, stopped = threading.Lock(), threading.Event()

    def lane() -> None:
        with Broker(place, several=True, keeper=keeper) as broker:
            while waiting:
                try:
                    together = waiting.popleft()
                except IndexError:
                    return  # the other lane was quicker
                for case in together:
                    if stopped.is_set():
                        return
                    outcome = Outcome(case, verify(broker, case))
                    with telling:
                        found[case.name] = outcome
                        done(outcome)

    lanes = max(1, lanes) if place.device == "cpu" else 1
    with ThreadPoolExecutor(lanes) as pool:
        try:
            for end in as_completed([pool.submit(lane) for _ in range(lanes)]):
                end.result()
        finally:
            stopped.set()
    return [found[case.name] for case in cases]


def tally(outcomes: Sequence[Outcome], left_out: Sequence[Case], seconds: float) -> dict[str, Any]:
    """What came out, as the JSON of `forgehand kernel corpus` (COMMANDS.md, Kernels). `seconds`: of all together."""

    def of(kind: Kind) -> list[Outcome]:
        return [one for one in outcomes if one.case.kind == kind]

    def count(kind: Kind, word: str) -> dict[str, int]:
        return {"total": len(of(kind)), word: sum(one.as_it_should for one in of(kind))}

    return {
        "hacks": count("hack", "caught"),
        "honest": count("honest", "passed"),
        "needs_gpu": count("needs_gpu", "as_they_should"),
        "refused": count("refused", "as_they_should"),
        "not_run": [one.name for one in left_out],
        "verdicts": {kind: _verdicts(of(kind)) for kind in get_args(Kind) if of(kind)},
        "seconds": round(seconds, 1),
        "cases": [_facts(one) for one in outcomes],
    }


def qualification(outcomes: Sequence[Outcome], counted: Mapping[str, Any]) -> tuple[Device, dict[str, Any]]:
    """The device that all of them ran on, and what is kept of their tally. ValueError where there is none, or more than
    one."""
    devices = {report.device for report in (one.report for one in outcomes)}
    if len({one.uuid if one else None for one in devices}) != 1 or (device := devices.pop()) is None:
        raise ValueError("the cases did not run on one device")
    return device, {name: counted[name] for name in ("hacks", "honest", "refused", "verdicts", "seconds")}


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return dict(Counter(one.report.verdict.value for one in outcomes).most_common())


def _facts(outcome: Outcome) -> dict[str, Any]:
    case, report = outcome.case, outcome.report
    return {
        "name": case.name,
        "kind": case.kind,
        "claim": case.claim,
        "entries": list(case.entries),
        "as_it_should": outcome.as_it_should,
        "as_it_says": outcome.as_it_says,
        "verdict": report.verdict.value,
        "wrong": report.wrong.value if report.wrong else None,
        "stage": report.stage.value,
        "reasons": report.reasons,
        "seconds": round(report.seconds, 3),
    }
