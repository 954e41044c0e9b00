"""What a thousand hostile candidates leave behind: `python -m evals.kernel_hostile [--runs N] [--json]`.

Each is put through a real verification, one after the other, by one broker. A candidate that crashes, hangs, eats
memory, forks, writes gigabytes, kills its parent or forges messages may cost one verdict and nothing else: no process,
no record of a box, no control group, no file, no growth of the broker's memory, threads or open files. Time limits and
memory of the boxes are smaller than usual, so that it ends; SIGTERM ends it after the run it is in. No device is leased
on the CPU, so no lease is looked for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from evals.kernel_hostile_candidates import TASK, candidates
from kernels.bench import Patience
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import PASSED, Verdict
from settings import load_settings
from workers.kernel_place import make_place

PATIENCE = Patience(load_s=4.0, call_s=3.0)
MEMORY = 1 << 30
_WARM = 40
"""Runs after which the broker has all it will ever have: its memory is measured from there."""
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What this process and its boxes hold at one moment. `rss` in bytes; the others are counts."""

    rss: int
    threads: int
    descriptors: int
    processes: int
    groups: int
    records: int


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: which candidate, its verdict and how long it took."""

    name: str
    verdict: Verdict
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """The outcome of all runs. `before`: before the first; `warm`: when the broker had everything; `after`: when it was
    closed. `files`: those of the state's folder and of the temporary one that are new."""

    runs: list[Ran]
    before: Held
    warm: Held | None
    at_end: Held
    after: Held
    files: list[str]
    seconds: float

    @property
    def problems(self) -> list[str]:
        """What was left, in words; empty when nothing was."""
        found = [f"{name} are left" for name in ("processes", "groups", "records") if getattr(self.after, name)]
        if self.files:
            found.append(f"files are left: {', '.join(self.files[:3])}")
        for name in ("threads", "descriptors"):
            if getattr(self.after, name) > getattr(self.before, name) + _SPARE[name]:
                found.append(f"more {name} than before: {getattr(self.after, name)}")
        if self.warm is not None and self.at_end.rss > self.warm.rss + 64 * _MEGABYTE:
            found.append(f"the broker grew by {(self.at_end.rss - self.warm.rss) / _MEGABYTE:.0f} MB")
        passed = [one.name for one in self.runs if one.verdict in PASSED]
        if passed:
            found.append(f"a hostile candidate passed: {passed[0]}")
        faults = [one for one in self.runs if one.verdict in (Verdict.infra_error, Verdict.invalid_task)]
        if faults:
            found.append(f"{len(faults)} runs were the machine's fault: {faults[0].name}: {faults[0].reason}")
        return found


# The spawner of boxes is one thread with its pipes, made with the first box and kept.
_SPARE = {"threads": 4, "descriptors": 16}


def measure(
    place: Place,
    state: Path,
    runs: int,
    told: Callable[[int, Ran, Held], None],
    names: str = "",
    enough: Callable[[], bool] = lambda: False,
) -> Left:
    """`runs` verifications, of all candidates in turns whose name holds `names`. `state`: the folder of the records.
    `enough`: asked after each, whether no more are wanted."""
    began = time.monotonic()
    texts = {name: text for name, text in candidates().items() if names in name}
    task = Task("hostile", TASK)
    temporary = Path(tempfile.gettempdir())
    files = set(os.listdir(temporary))
    before, warm = held(state), None
    found: list[Ran] = []
    with Broker(place, several=True, patience=PATIENCE) as broker:
        for number, (name, text) in enumerate(itertools.islice(itertools.cycle(texts.items()), runs), 1):
            found.append(_ran(name, broker.verify(task, Candidate("hostile.py", text), quick=True)))
            now = held(state)
            warm = now if number == _WARM else warm
            told(number, found[-1], now)
            if enough():
                break
        at_end = held(state)
    after = held(state)
    new = [str(temporary / name) for name in set(os.listdir(temporary)) - files]
    new += [str(path) for path in state.rglob("*") if path.is_file()]
    return Left(found, before, warm, at_end, after, sorted(new), time.monotonic() - began)


def _ran(name: str, report: Report) -> Ran:
    return Ran(name, report.verdict, report.seconds, report.reasons[-1][:200] if report.reasons else "")


def held(state: Path) -> Held:
    """What is there now; the processes are all that this one has started, at any depth."""
    me = psutil.Process()
    with me.oneshot():
        return Held(
            me.memory_info().rss,
            me.num_threads(),
            me.num_fds(),
            len(me.children(recursive=True)),
            sum(1 for _ in _groups()),
            sum(1 for path in state.rglob("*.json")),
        )


def _groups() -> Iterator[Path]:
    """The control groups of boxes of this process: their names hold its number."""
    for folder, inner, _ in os.walk("/sys/fs/cgroup"):
        for name in inner:
            if name.startswith("forgehand-kernel-") and f"-{os.getpid()}-" in name:
                yield Path(folder) / name


def as_document(found: Left) -> dict[str, Any]:
    seconds = sorted(one.seconds for one in found.runs)
    by_name: dict[str, Counter[str]] = {}
    for one in found.runs:
        by_name.setdefault(one.name, Counter())[one.verdict.value] += 1
    return {
        "runs": len(found.runs),
        "seconds": round(found.seconds, 1),
        "seconds_a_run": {"median": round(seconds[len(seconds) // 2], 2), "most": round(seconds[-1], 2)},
        "verdicts": dict(Counter(one.verdict.value for one in found.runs).most_common()),
        "by_candidate": {name: dict(counts) for name, counts in by_name.items()},
        "held": {
            "before": asdict(found.before),
            "warm": None if found.warm is None else asdict(found.warm),
            "at_end": asdict(found.at_end),
            "after": asdict(found.after),
        },
        "files_left": found.files,
        "problems": found.problems,
    }


@contextmanager
def own_place() -> Iterator[tuple[Place, Path]]:
    """A place whose records and temporary files are nobody else's."""
    with tempfile.TemporaryDirectory(prefix="forgehand-hostile-") as folder:
        state, temporary = Path(folder) / "state", Path(folder) / "tmp"
        state.mkdir()
        temporary.mkdir()
        was, tempfile.tempdir = tempfile.tempdir, str(temporary)
        try:
            place = make_place(load_settings().model_copy(update={"state_dir": state}))
            yield replace(place, memory_bytes=MEMORY), state
        finally:
            tempfile.tempdir = was


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", default="", metavar="WORDS", help="candidates whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()

    def told(number: int, ran: Ran, now: Held) -> None:
        print(
            f"{number:5} {ran.verdict.value:15} {ran.seconds:6.1f} s  broker {now.rss / _MEGABYTE:.0f} MB, "
            f"{now.descriptors} files, {now.threads} threads, {now.groups} groups  {ran.name}: {ran.reason[:90]}",
            file=sys.stderr,
            flush=True,
        )

    if not any(arguments.only in name for name in candidates()):
        parser.error(f"--only: no candidate's name holds {arguments.only!r}")
    if arguments.runs < 1:
        parser.error("--runs: at least 1")
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    with own_place() as (place, state):
        found = measure(place, state, arguments.runs, told, arguments.only, stop.is_set)
    figures = as_document(found)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        print(f"{figures['runs']} runs in {figures['seconds']} s: {figures['verdicts']}")
        for problem in figures["problems"] or ["nothing was left"]:
            print(problem)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
