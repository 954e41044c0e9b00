"""What the agent's tests work with: real boxes, a journal and a ledger in memory, a scripted model over HTTP."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from agent import (
    Bench,
    Brief,
    BudgetExhausted,
    CallPolicy,
    Entry,
    ModelClient,
    ModelSpec,
    Note,
    Phase,
    PhaseResult,
    Price,
    Quote,
    Ticket,
    from_json,
    run_phase,
    to_json,
)
from codebase.index import BlobCache, Contents, Finder, build_corpus
from codebase.navigation import Navigator
from codebase.testing import Chooser, build_map
from demo.scripted_model import ScriptedModel
from demo.scripted_script import Script
from sandboxes import Box, BubblewrapBackend, SandboxSpec
from sandboxes.contract import ChangeSet
from tests.codebase.index.making import MemoryTree

WINDOW = "1/{phase}#1"
PROJECT = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return add(a, a)\n",
    "test_calc.py": "from calc import add, double\n\nassert add(1, 2) == 3\nassert double(2) == 4\nprint('all good')\n",
    "docs/notes.md": "# Notes\n\nadd adds.\n",
}
TEST = "python3 -B test_calc.py"
FIX: dict[str, Any] = {"tool": "edit", "args": {"path": "calc.py", "old": "return a - b", "new": "return a + b"}}
RUN: dict[str, Any] = {"tool": "run", "args": {"command": TEST}}
HAND_IN: dict[str, Any] = {
    "tool": "submit",
    "args": {"summary": "add adds", "test_commands": [TEST], "pr_title": "Make add add"},
}
TICKET = Ticket("o/r#1", "add subtracts", Quote("alice", "write", "add(1, 2) gives -1"))


def tree(files: Mapping[str, str | bytes]) -> bytes:
    """A tar of the files, as `put_tree` takes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@contextmanager
def a_box(state: Path, files: Mapping[str, str | bytes] = PROJECT, disk_bytes: int = 256 << 20) -> Iterator[Box]:
    """A bubblewrap box holding the files."""
    spec = SandboxSpec(memory_bytes=512 << 20, disk_bytes=disk_bytes)
    with BubblewrapBackend(state).create(spec, name="agent") as box:
        box.put_tree(tree(files))
        yield box


def a_finder(state: Path, files: Mapping[str, str] = PROJECT) -> Finder:
    """Search over the files."""
    files_tree = MemoryTree({path: text.encode() for path, text in files.items()})
    cache = BlobCache(state / "index.db")
    try:
        return Finder(build_corpus(files_tree, cache), files_tree)
    finally:
        cache.close()


def a_chooser(state: Path, files: Mapping[str, str] = PROJECT) -> Chooser:
    """Knows which of the files test which; ready."""
    files_tree = MemoryTree({path: text.encode() for path, text in files.items()})
    cache = BlobCache(state / "index.db")
    try:
        corpus = build_corpus(files_tree, cache)
        made = build_map(corpus, files_tree, Contents(files_tree), cache)
    finally:
        cache.close()
    chooser = Chooser(Contents(files_tree), lambda: made)
    assert chooser.choose({}, wait_s=60.0) is not None
    return chooser


@dataclass
class MemoryJournal:
    """A journal that goes through JSON as a durable one does."""

    lines: list[str] = field(default_factory=list)
    snapshots: list[dict[str, Any] | None] = field(default_factory=list)

    def load(self, window: str) -> list[Entry]:
        return [from_json(line) for line in self.lines]

    def append(self, window: str, entry: Entry, changes: ChangeSet | None) -> None:
        self.lines.append(to_json(entry))
        self.snapshots.append(None if changes is None else dict(changes))

    def last_snapshot(self) -> dict[str, Any]:
        return next((changes for changes in reversed(self.snapshots) if changes is not None), {})

    def texts(self, kind: str) -> list[str]:
        return [getattr(entry, "text", "") for entry in self.load("") if entry.kind == kind]


@dataclass
class MemoryLedger:
    """Counts what is held back and used; `usd` is the most it lets be used."""

    usd: Decimal = Decimal(1000)
    reserved: dict[str, Decimal] = field(default_factory=dict)
    settled: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        spent = sum(amount for amount, _ in self.settled.values())
        if spent + usd > self.usd:
            raise BudgetExhausted(f"money ({self.usd} USD)")
        self.keys.append(key)
        self.reserved[key] = usd

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        assert usd <= self.reserved.pop(key)
        before = self.settled.get(key, (Decimal(0), 0))
        self.settled[key] = (before[0] + usd, before[1] + tokens)


@dataclass
class Play:
    """A window played: its result and everything around it."""

    result: PhaseResult
    journal: MemoryJournal
    ledger: MemoryLedger
    model: ScriptedModel
    reports: list[str]

    @property
    def seen(self) -> str:
        """Everything the tools answered."""
        return "\n".join(self.journal.texts("observed"))


class Stop:
    """A `cancelled` that turns true when told."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self) -> bool:
        return self.event.is_set()


def script(**windows: Any) -> ScriptedModel:
    """A scripted model from Python data; `repair__2` stands for `repair#2`."""
    phases = {name.replace("__", "#"): turns for name, turns in windows.items()}
    return ScriptedModel(Script.model_validate(yaml.safe_load(yaml.safe_dump({"phases": phases}))))


def call(*calls: dict[str, Any], **turn: Any) -> dict[str, Any]:
    """A turn that makes the calls."""
    return {"call": list(calls), **turn}


def brief(phase: Phase, **changed: Any) -> Brief:
    """A brief about `add`."""
    return Brief(**{"window": WINDOW.format(phase=phase), "repository": "o/r", "ticket": TICKET, **changed})


def client(base_url: str, key: str, *fallbacks: ModelSpec, policy: CallPolicy | None = None) -> ModelClient:
    """A model client for a scripted server; waits between attempts take no time."""
    spec = ModelSpec("openai/{window}", base_url, key, Price(Decimal(1), Decimal(2)), max_output_tokens=1000)
    return ModelClient([spec, *fallbacks], policy=policy or CallPolicy(read_s=5), sleep=lambda _: None)


def play(
    phase: Phase,
    turns: Sequence[dict[str, Any]],
    box: Box,
    *,
    model: ScriptedModel | None = None,
    journal: MemoryJournal | None = None,
    ledger: MemoryLedger | None = None,
    notes: Sequence[Note] = (),
    stop: Stop | None = None,
    policy: CallPolicy | None = None,
    finder: Finder | None = None,
    chooser: Chooser | None = None,
    navigator: Navigator | None = None,
    **changed: Any,
) -> Play:
    """Runs one window against a scripted model over HTTP. A mismatch with the script fails the test."""
    model = model or script(**{str(phase): list(turns)})
    journal, ledger = journal or MemoryJournal(), ledger or MemoryLedger()
    reports: list[str] = []
    with model.serve() as server:
        bench = Bench(
            box=box,
            model=client(server.base_url, server.api_key, policy=policy),
            journal=journal,
            ledger=ledger,
            steering=lambda: list(notes),
            cancelled=stop or Stop(),
            report=reports.append,
            finder=finder,
            chooser=chooser,
            navigator=navigator,
        )
        result = run_phase(phase, brief(phase, **changed), bench)
    print(result.status, result.reason)
    assert not model.mismatches, model.mismatches[0][:300]
    assert ledger.reserved == {}
    return Play(result, journal, ledger, model, reports)
