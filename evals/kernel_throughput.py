"""How many verdicts a minute: `python -m evals.kernel_throughput [--verdicts N] [--only WORDS] [--json]`.

Quick verifications of the corpus's own Python cases by one broker, one after the other, hacks and honest ones in turns.
The verdicts a minute count everything but the start of the first boxes of a task, which a queue of kernels of one
repository pays once; with them it is told too. Memory is the most this process ever had: the broker is in it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernels.broker import Broker, Report
from kernels.cases import Case, read_cases
from kernels.hosting import Place
from settings import load_settings
from workers.kernel_place import make_place


@dataclass(frozen=True, slots=True)
class Verdicts:
    """`first`: seconds until the first verdict on each task. `later`: of each of the others. `all_s`: of all."""

    reports: list[Report]
    first: list[float]
    later: list[float]
    all_s: float


def measure(place: Place, cases: Sequence[Case], verdicts: int, told: Callable[[Report], None]) -> Verdicts:
    """`verdicts` verifications of `cases`, in turns, ordered by task."""
    chosen = sorted(itertools.islice(itertools.cycle(cases), verdicts), key=lambda case: case.task.name)
    reports: list[Report] = []
    first: list[float] = []
    later: list[float] = []
    seen: set[str] = set()
    began = time.monotonic()
    with Broker(place, several=True) as broker:
        for case in chosen:
            at = time.monotonic()
            reports.append(broker.verify(case.task, case.candidate, quick=True))
            (later if case.task.digest in seen else first).append(time.monotonic() - at)
            seen.add(case.task.digest)
            told(reports[-1])
    return Verdicts(reports, first, later, time.monotonic() - began)


def as_document(found: Verdicts) -> dict[str, Any]:
    later = sorted(found.later)
    return {
        "verdicts": len(found.reports),
        "a_minute": round(60 * len(later) / sum(later), 1) if later else None,
        "a_minute_with_first_starts": round(60 * len(found.reports) / found.all_s, 1),
        "seconds": {
            "first_of_a_task": round(sum(found.first) / len(found.first), 2),
            "median": round(later[len(later) // 2], 2) if later else None,
            "most": round(later[-1], 2) if later else None,
        },
        "by_verdict": dict(Counter(one.verdict.value for one in found.reports)),
        "broker_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cores": os.cpu_count(),
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--verdicts", type=int, default=24)
    parser.add_argument("--only", default="linear_tanh/", metavar="WORDS", help="cases whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    cases = [case for case in read_cases() if arguments.only in case.name]
    if not cases:
        parser.error("--only: no case has such a name")

    def told(report: Report) -> None:
        print(
            f"{report.seconds:6.1f} s  {report.verdict.value:14} {report.candidate.name}", file=sys.stderr, flush=True
        )

    figures = as_document(measure(make_place(load_settings()), cases, arguments.verdicts, told))
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
