"""The same code as reference and as candidate: `python -m evals.kernel_same [--times N] [--only WORDS] [--json]`.

What a verification says where there is nothing to say. Every one is a whole verification with its own processes, so
that where memory lies differs between them as it does in life. `equal` and `ambiguous` are right, `faster` and `slower`
are wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from typing import Any

from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.cases import read_cases
from kernels.task import Task
from settings import load_settings
from workers.kernel_checks.exclusive import TimingLock, lock_folder
from workers.kernel_place import make_place


def own_tasks(words: str) -> list[Task]:
    """The sound tasks of our corpus whose name holds `words`."""
    found = {case.task.name: case.task for case in read_cases() if case.kind == "honest"}
    return [task for name, task in sorted(found.items()) if words in name]


def itself(task: Task) -> Candidate:
    return Candidate("itself.py", task.source + b"\n\nModelNew = Model\n")


def as_document(report: Report) -> dict[str, Any]:
    found = report.timing
    return {
        "task": report.task.name,
        "verdict": report.verdict.value,
        "ratio": None if found is None else round(found.found.ratio, 4),
        "interval": None if found is None else [round(found.found.low, 4), round(found.found.high, 4)],
        "smallest_effect": None if found is None else round(found.smallest_effect, 4),
        "baseline_us": None if found is None else round(found.baseline_s * 1e6, 1),
        "blocks": None if found is None else found.blocks,
        "clocks_checked": None if found is None else found.clocks_checked,
        "seconds": round(report.seconds, 2),
        "load": round(os.getloadavg()[0], 1),
        "reasons": report.reasons,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=3, help="verifications of each task")
    parser.add_argument("--only", default="", metavar="WORDS", help="tasks whose name holds this")
    parser.add_argument("--full", action="store_true", help="not the quick verification")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    told: list[dict[str, Any]] = []
    settings = load_settings()
    place, folder = make_place(settings), lock_folder(settings)
    for task in own_tasks(arguments.only):
        for _ in range(arguments.times):
            with Broker(place) as broker, TimingLock(folder, time.sleep) as timing:  # no process is kept for the next
                report = broker.verify(task, itself(task), quick=not arguments.full, told=timing.of(broker))
            told.append(as_document(report))
            if not arguments.json:
                print({name: value for name, value in told[-1].items() if name != "reasons"}, flush=True)
    counted = Counter(one["verdict"] for one in told)
    if arguments.json:
        print(json.dumps({"verdicts": dict(counted), "verifications": told}, indent=2))
    else:
        print(dict(counted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
