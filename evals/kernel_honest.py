"""How often an honest candidate is called wrong: `python -m evals.kernel_honest [--rounds N] [--only WORDS] [--json]`.

The corpus's honest candidates, verified in full up to the first clock and not timed, each round with inputs and weights
that nobody has seen. One in a hundred that is convicted by chance is not found by verifying each of them once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kernels.bench import Judged
from kernels.broker import Broker, Report
from kernels.cases import Case, read_cases
from kernels.hosting import Place
from kernels.verdicts import PASSED, Stage, Verdict
from settings import load_settings
from workers.kernel_place import make_place


@dataclass(frozen=True, slots=True)
class Outcome:
    """`cells`: how many kinds of inputs it was held to, gradients among them. `closest`: the largest share of what is
    allowed that one of its outputs took."""

    name: str
    verdict: Verdict
    stage: Stage
    cells: int
    closest: float
    reasons: Sequence[str]

    @property
    def right(self) -> bool:
        return self.verdict in PASSED


def honest(words: str) -> list[Case]:
    """Those that say something without a GPU and whose name holds `words`, ordered by task."""
    found = [one for one in read_cases() if one.kind == "honest" and not one.on_device and words in one.name]
    return sorted(found, key=lambda case: case.task.digest)


def rounds(place: Place, cases: Sequence[Case], times: int, at_once: int) -> Iterator[Outcome]:
    """Every case as often, of `at_once` tasks side by side."""
    tasks = [list(group) for _, group in groupby(cases, key=lambda case: case.task.digest)]
    with ThreadPoolExecutor(at_once) as threads:
        for found in threads.map(lambda group: _of_task(place, group, times), tasks):
            yield from found


def _of_task(place: Place, cases: Sequence[Case], times: int) -> list[Outcome]:
    with Broker(place, several=True) as broker:
        return [_untimed(broker, case) for _ in range(times) for case in cases]


def _untimed(broker: Broker, case: Case) -> Outcome:
    return _outcome(case, broker.verify(case.task, case.candidate, quick=False, told=_until_the_clock))


def _until_the_clock(stage: Stage) -> None:
    if stage is Stage.time:
        raise Judged(Verdict.ambiguous, stage, "not timed")


def _outcome(case: Case, report: Report) -> Outcome:
    cells, closest = 0, 0.0
    if report.correctness is not None:
        cells, closest = report.correctness.passed, report.correctness.worst
    if report.gradients is not None:
        cells, closest = cells + report.gradients.cells, max(closest, report.gradients.worst)
    return Outcome(case.name, report.verdict, report.stage, cells, closest, report.reasons)


def as_document(found: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "verifications": len(found),
        "cells": sum(one.cells for one in found),
        "closest": round(max((one.closest for one in found if one.right), default=0.0), 3),
        "called_wrong": [
            {"name": one.name, "verdict": one.verdict.value, "stage": one.stage.value, "reasons": list(one.reasons)}
            for one in found
            if not one.right
        ],
    }


def main() -> int:
    """1 where one was called wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3, help="verifications of each candidate")
    parser.add_argument("--at-once", type=int, default=2, help="tasks side by side")
    parser.add_argument("--only", default="", metavar="WORDS", help="candidates whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    say: Callable[[str], object] = (lambda _: None) if arguments.json else print
    found = []
    for one in rounds(make_place(load_settings()), honest(arguments.only), arguments.rounds, arguments.at_once):
        found.append(one)
        say(f"{one.name:44} {one.cells:4} cells, {one.closest:.2f} of what is allowed{'' if one.right else '  WRONG'}")
    document = as_document(found)
    print(json.dumps(document, indent=2) if arguments.json else json.dumps(document))
    return 1 if document["called_wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
