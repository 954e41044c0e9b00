"""A worker killed between any two entries of the journal: the window goes on, and no reply is paid for twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import ExitStatus, Note, Phase, PhaseResult
from agent.journal import Entry, from_json
from sandboxes import Box
from sandboxes.contract import ChangeSet
from tests.agent.bench import (
    FIX,
    HAND_IN,
    PROJECT,
    RUN,
    TEST,
    MemoryJournal,
    MemoryLedger,
    a_box,
    call,
    play,
    script,
    tree,
)

NOTES = [Note("n1", "bob", "write", "Keep it short.")]
READS = [{"tool": "read", "args": {"path": path}} for path in ("calc.py", "test_calc.py", "docs/notes.md")]
NEW = {"tool": "edit", "args": {"path": "new.py", "new": "x = 1\n"}}
TURNS: list[dict[str, Any]] = [
    call(*READS, say="Looking."),
    {"fault": "rate_limit"},
    {"say": "I should edit."},
    call(FIX, NEW, {"tool": "run", "args": {"command": "echo run >> /work/new.py"}}),
    {"fault": "malformed_arguments"},
    {"fault": "context_exceeded"},
    call(RUN, expect="step|summary"),
    call(HAND_IN),
]


class Killed(BaseException):
    """Not an Exception, so that nothing in between can handle it."""


class FragileJournal(MemoryJournal):
    """Dies instead of writing entry number `at`."""

    at: int = 10_000

    def append(self, window: str, entry: Entry, changes: ChangeSet | None) -> None:
        if len(self.lines) == self.at:
            raise Killed
        super().append(window, entry, changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PhaseResult, MemoryJournal]]:
    """The same window, never interrupted."""
    with a_box(tmp_path_factory.mktemp("whole")) as box:
        done = play(Phase.implement, TURNS, box, notes=NOTES)
        assert done.result.status is ExitStatus.submitted
        yield done.result, done.journal


def restored(box: Box, journal: MemoryJournal) -> None:
    """What a worker does with a new box before it runs a window again."""
    box.put_tree(tree(PROJECT))
    box.apply_changes(journal.last_snapshot())


def essence(lines: list[str]) -> list[tuple[str, str]]:
    """The entries without what may differ between two runs: durations, and a refusal by the provider (played once)
    with the shortening it led to."""
    entries = [from_json(line) for line in lines]
    return [(entry.kind, getattr(entry, "digest", "")) for entry in entries if entry.kind != "compacted"]


def test_a_window_killed_at_every_entry_ends_the_same(whole: tuple[PhaseResult, MemoryJournal], tmp_path: Path) -> None:
    result, journal = whole
    assert {entry.kind for entry in journal.load("")} == {
        "opened",
        "noted",
        "replied",
        "observed",
        "nudged",
        "compacted",
    }
    with a_box(tmp_path) as box:
        for at in range(len(journal.lines)):
            model, ledger, fragile = script(implement=TURNS), MemoryLedger(), FragileJournal()
            fragile.at = at
            restored(box, fragile)
            with pytest.raises(Killed):
                play(Phase.implement, [], box, model=model, journal=fragile, ledger=ledger, notes=NOTES)
            recorded = sum(entry.kind == "replied" for entry in fragile.load(""))
            asked = len([seen for seen in model.exchanges if seen.outcome == "reply" and seen.window == "implement"])
            fragile.at = 10_000
            restored(box, fragile)
            done = play(Phase.implement, [], box, model=model, journal=fragile, ledger=ledger, notes=NOTES)
            assert (done.result.status, done.result.data) == (result.status, result.data), at
            assert done.result.steps == result.steps, at
            assert essence(fragile.lines) == essence(journal.lines), at
            replies = [
                seen.position for seen in model.exchanges if seen.outcome == "reply" and seen.window == "implement"
            ]
            twice = len(replies) - len(set(replies))
            assert twice == asked - recorded <= 1, f"entry {at}: only the reply in flight may be asked for again"
            assert box.read("new.py") == b"x = 1\nrun\n", at


def test_the_journal_alone_says_what_was_sent(whole: tuple[PhaseResult, MemoryJournal], tmp_path: Path) -> None:
    """The first request after a restart holds exactly the conversation that the killed worker had sent next."""
    _, journal = whole
    cut = MemoryJournal(journal.lines[:-2], journal.snapshots[:-2])
    with a_box(tmp_path) as box:
        restored(box, cut)
        done = play(Phase.implement, TURNS, box, journal=cut, notes=NOTES)
    assert done.result.status is ExitStatus.submitted
    assert [exchange.position for exchange in done.model.exchanges] == [5]


def test_a_command_without_a_recorded_result_is_run_again_on_the_restored_tree(tmp_path: Path) -> None:
    command = {"tool": "run", "args": {"command": f"echo x >> log.txt; {TEST}"}}
    turns = [call(FIX), call(command), call(RUN), call(HAND_IN)]
    journal = FragileJournal()
    journal.at = 4
    model = script(implement=turns)
    with a_box(tmp_path / "one") as box:
        with pytest.raises(Killed):
            play(Phase.implement, [], box, model=model, journal=journal)
        assert box.read("log.txt") == b"x\n"
    journal.at = 10_000
    with a_box(tmp_path / "two") as box:
        box.apply_changes(journal.last_snapshot())
        done = play(Phase.implement, [], box, model=model, journal=journal)
        assert box.read("log.txt") == b"x\n"
    assert done.result.status is ExitStatus.submitted
