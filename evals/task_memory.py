"""What a running task costs in memory: `python -m evals.task_memory [--json]`.

Runs the demo's whole way twice against the twin, once with one task and once with several at the same time, and samples
the memory of the worker and everything it starts (proportional set size, so that shared pages count once). The figure
is the difference of the two peaks for each task beyond the first.
"""

import argparse
import json
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from cli.demo_house import House, furnished
from demo import samples
from store import Stage

SAMPLE_EVERY_S = 0.1
WITHIN_S = 240.0
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest memory seen, in bytes: of the worker process, and of its sandboxes together."""

    worker: int
    sandboxes: int

    @property
    def all(self) -> int:
        return self.worker + self.sandboxes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--tasks", type=int, default=4, help="how many at the same time")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    one, many = measure(1), measure(arguments.tasks)
    each = (many.all - one.all) / (arguments.tasks - 1) / MEGABYTE
    figures = {
        "tasks": arguments.tasks,
        "one_task_mb": round(one.all / MEGABYTE, 1),
        "all_tasks_mb": round(many.all / MEGABYTE, 1),
        "mb_a_task_beyond_the_first": round(each, 1),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"one task          {figures['one_task_mb']:8} MB (worker {one.worker / MEGABYTE:.0f})")
    print(f"{arguments.tasks} tasks at a time {figures['all_tasks_mb']:8} MB (worker {many.worker / MEGABYTE:.0f})")
    print(f"each beyond the first {figures['mb_a_task_beyond_the_first']} MB")


def measure(tasks: int) -> Peak:
    """The peak while `tasks` tasks run at once, from their assignment until all are ready for review."""
    settings = {"FORGEHAND_WORKER_CONCURRENCY": str(tasks)}
    with (
        tempfile.TemporaryDirectory(prefix="forgehand-memory-", ignore_cleanup_errors=True) as folder,
        furnished(Path(folder), overrides=settings) as house,
    ):
        numbers = [house.stage.issue, *(_another(house) for _ in range(tasks - 1))]
        worker = psutil.Process(house.processes["worker"].pid)
        ended = threading.Event()
        peaks: list[Peak] = []
        sampler = threading.Thread(target=_sample, args=(worker, ended, peaks), daemon=True)
        sampler.start()
        for number in numbers:
            house.maintainer.assign(house.stage.repository, number, house.stage.trigger_login)
        house.wait(
            "all tasks are ready for review",
            lambda: [task.stage for task in house.tasks()] == [Stage.IN_REVIEW] * tasks,
            within_s=WITHIN_S,
        )
        ended.set()
        sampler.join()
        return max(peaks, key=lambda peak: peak.all)


def _another(house: House) -> int:
    title, body = samples.issue("durations")
    return int(house.maintainer.open_issue(house.stage.repository, title, body)["number"])


def _sample(worker: psutil.Process, ended: threading.Event, peaks: list[Peak]) -> None:
    while not ended.wait(SAMPLE_EVERY_S):
        boxes = 0
        for child in worker.children(recursive=True):
            try:
                boxes += child.memory_full_info().pss
            except psutil.Error:
                continue
        peaks.append(Peak(worker.memory_full_info().pss, boxes))


if __name__ == "__main__":
    main()
