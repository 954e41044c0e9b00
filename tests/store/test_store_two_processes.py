"""Two real worker processes on one database: nobody is refused for a lock, and no task is worked on twice at once."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

from store import Database
from tests.store.making import create, row

ROOT = Path(__file__).parents[2]
SECONDS = 2.0


def start(url: str, owner: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.hammer", url, owner, str(SECONDS)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_workers_hammer_one_database(database: Database, database_url: str) -> None:
    ids = [create(database, f"s{number}") for number in range(6)]
    processes = [start(database_url, owner) for owner in ("worker-1", "worker-2")]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        lines: list[list[str]] = []
        for process in processes:
            output, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors  # "database is locked" would end it
            lines.append(output.splitlines())
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    kept = [[json.loads(line) for line in part[:-1]] for part in lines]
    lost = sum(json.loads(part[-1])["lost"] for part in lines)
    assert all(kept), "both got work done"
    for task_id in ids:
        mine = sorted((since, until, fence) for task, fence, since, until in itertools.chain(*kept) if task == task_id)
        fences = [fence for _, _, fence in mine]
        assert fences == sorted(set(fences)), "a fence is given once, and later claims have higher ones"
        for (_, until, _), (since, _, _) in itertools.pairwise(mine):
            assert until <= since, "two claims stood at once"
    claims = sum(row(database, task_id).fence for task_id in ids)
    assert claims == sum(map(len, kept)) + lost, "every claim was parked or lost"
