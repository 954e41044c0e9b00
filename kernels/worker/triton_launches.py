"""What a candidate's process saw of its Triton kernels: which were launched, from where, and what went wrong in one.

The candidate may catch what is raised into it, so whatever ends a verification is kept here as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from kernels.messages import Json
from kernels.worker.program import FILE

_MOST = 200


@dataclass(slots=True)
class Seen:
    """`ended`: what, text and line, of the first thing after which no number counts. `reads`: loads from outside of
    every buffer. `notes`: what was done otherwise than a device does it."""

    launched: dict[str, Json] = field(default_factory=dict)
    defined: dict[str, int] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    reads: dict[str, Json] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ended: tuple[str, str, int | None] | None = None
    silent: bool = False
    """Launches do nothing."""

    def launch(self, fn: Any, grid: Any) -> None:
        code = fn.__code__
        if len(self.launched) < _MOST:
            one = self.launched.setdefault(
                fn.__name__[:200], {"line": line_of(fn), "launches": 0, "grid": [int(size) for size in grid][:3]}
            )
            one["launches"] += 1
        self.called.add(code.co_name)

    def read(self, kernel: str, text: str, line: int | None) -> None:
        if len(self.reads) < _MOST:
            self.reads.setdefault(f"{kernel} {line}", {"kernel": kernel[:200], "text": text, "line": line})

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < _MOST:
            self.notes.append(text[:500])

    def end(self, what: str, text: str, line: int | None) -> None:
        if self.ended is None:
            self.ended = what, text, line

    def facts(self) -> Json:
        """All of it as JSON. `idle`: kernels that were neither launched nor called by one that was."""
        idle = [[name, line] for name, line in self.defined.items() if name not in self.called]
        return {
            "launched": [{"kernel": name, **facts} for name, facts in self.launched.items()],
            "idle": idle[:_MOST],
            "reads": list(self.reads.values()),
            "notes": self.notes,
        }


def line_of(fn: Any) -> int:
    """Where a function's `def` stands, below its decorators."""
    first: int = fn.__code__.co_firstlineno
    lines = [line for _, _, line in fn.__code__.co_lines() if line is not None and line > first]
    return min(lines) - 1 if lines else first


def candidate_line() -> int | None:
    """The innermost line of the candidate's that is being executed."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == FILE:
            return frame.f_lineno
        frame = frame.f_back
    return None


def first_configuration(run: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    """An Autotuner's `run` that takes the first configuration its own pruning leaves: nothing can be timed here."""

    def chosen(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.configs) > 1:
            seen.note(
                f"{self.base_fn.__name__} chooses among {len(self.configs)} configurations by time: only the first was "
                "tried"
            )
            self.nargs = dict(zip(self.arg_names, args, strict=False))
            self.configs = [self.prune_configs(kwargs)[0]]
        return run(self, *args, **kwargs)

    return chosen
