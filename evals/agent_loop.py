"""What the agent's loop costs by itself: milliseconds a step, and memory for each further running task.

    python -m evals.agent_loop [--steps N] [--tasks N]

Runs real windows: a scripted model in a process of its own, reached over HTTP through LiteLLM; tools in a bubblewrap
box; a journal that is flushed to disk with every entry. Prints one JSON document to standard output.

`loop_ms_per_step` is the wall time of a window less the time of its model calls and less the time spent in the box,
for each model call; the journal (`journal_ms`) is in it. `client_ms` is what LiteLLM and the HTTP client take of a
model call: its time as the loop sees it, less the time the model's server had the request. `cpu_ms` is processor time
of this process, LiteLLM and the box's client included, which other programs on the machine stretch less.
`memory_mb_per_further_task` compares `--tasks` windows running at once with a single one: resident memory of this
process and of the boxes' processes at its highest.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from agent import (
    Bench,
    Brief,
    Entry,
    Limits,
    ModelClient,
    ModelSpec,
    Phase,
    Price,
    Quote,
    Ticket,
    from_json,
    run_phase,
    to_json,
)
from demo.scripted_model import ScriptedModel
from sandboxes import Box, BubblewrapBackend, SandboxSpec
from sandboxes.contract import ChangeSet

_FILES = 40
_LINES = 200
_SAMPLE_S = 0.1


def script(steps: int) -> dict[str, Any]:
    """A model's part: look, search, edit and run in turns, never twice the same, then hand in."""
    turns: list[dict[str, Any]] = []
    for step in range(steps - 2):
        path = f"src/module_{step % _FILES}.py"
        match step % 4:
            case 0:
                call = {"tool": "read", "args": {"path": path, "start_line": 1 + step % 50, "end_line": 80 + step % 50}}
            case 1:
                call = {"tool": "search_text", "args": {"pattern": f"value_{step}\\b", "path": "src"}}
            case 2:
                line = f"value_{step % _LINES} = "
                call = {"tool": "edit", "args": {"path": path, "old": f"{line}0\n", "new": f"{line}{step}\n"}}
            case _:
                call = {"tool": "run", "args": {"command": f"grep -n value_{step % _LINES} {path}"}}
        turns.append({"say": f"Step {step}: {call['tool']}.", "call": [call]})
    turns.append({"call": [{"tool": "run", "args": {"command": "true"}}]})
    submission = {"summary": "done", "test_commands": ["true"], "pr_title": "Done"}
    turns.append({"call": [{"tool": "submit", "args": submission}]})
    return {"phases": {"implement": turns}}


def project() -> bytes:
    """The tar of a tree of Python files."""
    text = "".join(f"value_{number} = 0\n" for number in range(_LINES)).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(_FILES):
            member = tarfile.TarInfo(f"src/module_{number}.py")
            member.size, member.mode = len(text), 0o644
            tar.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


class TimedBox:
    """A box that adds up how long its calls take."""

    def __init__(self, box: Box) -> None:
        self._box, self.seconds = box, 0.0

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._box, name)
        if not callable(inner):
            return inner

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


@dataclass
class FileJournal:
    """Entries as JSON lines, on disk when `append` returns."""

    path: Path
    seconds: float = 0.0
    replies_s: float = 0.0
    replies: int = 0

    def load(self, window: str) -> list[Entry]:
        return [from_json(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def append(self, window: str, entry: Entry, changes: ChangeSet | None) -> None:
        began = time.perf_counter()
        with self.path.open("a") as file:
            file.write(to_json(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.seconds += time.perf_counter() - began
        if entry.kind == "replied":
            self.replies, self.replies_s = self.replies + 1, self.replies_s + entry.reply.seconds


class Unlimited:
    """A ledger that holds nothing back."""

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        return

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        return


@dataclass
class Server:
    """The scripted model's process."""

    base_url: str
    key: str
    process: subprocess.Popen[str]

    def handling_s(self) -> float:
        """Seconds its requests took so far, from their last byte to the answer's."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the server has no pipes")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextmanager
def serving(file: Path) -> Iterator[Server]:
    """Serves a script from another process."""
    command = [sys.executable, "-m", "evals.agent_loop", "--serve", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the server has no pipes")
        url, key = process.stdout.readline().split()
        yield Server(url, key, process)
        process.stdin.close()


def serve(file: Path) -> None:
    """The other process: prints where it listens, then its handling time for each line it reads."""
    with ScriptedModel.load(file).serve() as server:
        print(server.base_url, server.api_key, flush=True)
        for _ in sys.stdin:
            print(server.handling_s, flush=True)


@dataclass
class Figures:
    """Seconds of one window."""

    wall: float
    cpu: float
    box: float
    journal: float
    replies_s: float
    replies: int


def window(server: Server, state: Path, name: str, steps: int) -> Figures:
    """Runs one window in a box of its own."""
    spec = ModelSpec("openai/implement", server.base_url, server.key, Price(Decimal(0), Decimal(0)))
    journal = FileJournal(state / f"{name}.jsonl")
    with BubblewrapBackend(state / name).create(SandboxSpec(memory_bytes=512 << 20), name=name) as box:
        box.put_tree(project())
        timed = TimedBox(box)
        bench = Bench(
            box=timed,
            model=ModelClient([spec]),
            journal=journal,
            ledger=Unlimited(),
            steering=list,
            cancelled=lambda: False,
            report=lambda line: None,
        )
        ticket = Ticket("o/r#1", "A long task", Quote("alice", "write", "Do it."))
        brief = Brief(f"{name}/implement#1", "o/r", ticket, limits=Limits(steps=steps + 10))
        began, began_cpu = time.perf_counter(), time.process_time()
        result = run_phase(Phase.implement, brief, bench)
        wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    if result.status != "submitted":
        raise RuntimeError(f"the window ended as {result.status}: {result.reason}")
    return Figures(wall, cpu, timed.seconds, journal.seconds, journal.replies_s, journal.replies)


class Memory:
    """Samples the resident memory of this process and its descendants, except one."""

    def __init__(self, without: int) -> None:
        self._without, self._stop = without, threading.Event()
        self.highest = 0.0

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self.highest = max(self.highest, _resident_mb(os.getpid(), self._without))


def _resident_mb(root: int, without: int) -> float:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    members, grew = {root}, True
    while grew:
        found = {pid for pid, parent in parents.items() if parent in members and pid != without} - members
        members, grew = members | found, bool(found)
    pages = 0
    for pid in members:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def measure(steps: int, tasks: int) -> Mapping[str, Any]:
    """All figures, rounded."""
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (state / "warm.yaml").write_text(yaml.safe_dump(script(8)))
        (state / "play.yaml").write_text(yaml.safe_dump(script(steps)))
        empty = _resident_mb(os.getpid(), -1)
        with serving(state / "warm.yaml") as warm:
            window(warm, state, "warm", 8)
        server = stack.enter_context(serving(state / "play.yaml"))
        figures = window(server, state, "timed", steps)
        handling = server.handling_s()
        with Memory(server.process.pid) as one:
            window(server, state, "one", steps)
        with Memory(server.process.pid) as many, ThreadPoolExecutor(tasks) as pool:
            list(pool.map(lambda number: window(server, state, f"many{number}", steps), range(tasks)))
    per_step = 1000 / figures.replies
    return {
        "steps": figures.replies,
        "loop_ms_per_step": round((figures.wall - figures.replies_s - figures.box) * per_step, 2),
        "journal_ms": round(figures.journal * per_step, 2),
        "client_ms": round((figures.replies_s - handling) * per_step, 2),
        "cpu_ms": round(figures.cpu * per_step, 2),
        "model_ms": round(handling * per_step, 2),
        "box_ms": round(figures.box * per_step, 2),
        "memory_mb": {
            "before_litellm": round(empty),
            "one_task": round(one.highest),
            f"{tasks}_tasks": round(many.highest),
        },
        "memory_mb_per_further_task": round((many.highest - one.highest) / (tasks - 1), 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; exit status 1 when a step costs 10 ms or more, or a further task 150 MB or more."""
    parser = argparse.ArgumentParser(prog="python -m evals.agent_loop", description="What the agent's loop costs.")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve is not None:
        serve(options.serve)
        return 0
    if options.steps < 8 or options.tasks < 2:
        parser.error("--steps needs at least 8 and --tasks at least 2")
    figures = measure(options.steps, options.tasks)
    print(json.dumps(figures, indent=2))
    return 0 if figures["loop_ms_per_step"] < 10 and figures["memory_mb_per_further_task"] < 150 else 1


if __name__ == "__main__":
    raise SystemExit(main())
