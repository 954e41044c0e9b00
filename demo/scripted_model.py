"""A scripted model: an OpenAI-compatible server that plays a YAML file, for the demo and for tests.

    python -m demo.scripted_model FILE [--port N]

A request's place in the script is read from the request alone, so that a client which was killed goes on where it
was. The `model` field names the window (`repair`, `repair#2`, the list under `phases:`); the position is the number of
assistant messages in the request plus those a `<summary steps="N">` message says it stands for. Only transport faults
need memory: each is played once for a window, position and conversation opening.

A flat `turns:` list is one sequence across windows. No request can say how many turns earlier windows used, so there
the server remembers: a window it has not seen starts at the first turn nobody was sent. Such a script cannot be
resumed by a new server and serves one task at a time; use `phases:` for anything else.

The agent shortens long conversations through a window named `summary`. A script that does not list it gets
`DEFAULT_SUMMARY` answered there, in both forms, so that `fault: context_exceeded` needs no further entry.

A request the script does not foresee (no such window, past the end, `expect` not found) is answered with status 400
and code `script_mismatch`, and kept in `ScriptedServer.mismatches`.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import os
import re
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from demo import scripted_wire as wire
from demo.scripted_http import Answer, ScriptedServer, serving
from demo.scripted_script import Price, Script, ScriptError, Slot, Turn, fill, load, search, slots

DEFAULT_SUMMARY = "The work so far went as the script says; go on with it."
_DEFAULT_SLOT = Slot((), Turn(say=DEFAULT_SUMMARY), 1)
_SUMMARY = re.compile(r'\A<summary steps="(\d+)"')
_SHOWN = 600


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as the log keeps it: no key, no prompt."""

    window: str
    position: int
    entry: int
    """The one-based entry of the window's list that was played; 0 when none was."""
    outcome: Literal["reply", "fault", "mismatch"]
    fault: str | None
    messages: int


@dataclass(slots=True)
class _Memory:
    """What the server may forget without harm to a `phases:` script: which faults it has played."""

    faults: dict[tuple[str, int, str], int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    next_unplayed: int = 0


class ScriptedModel:
    """A checked script that can be served. `price` is what the file asks its tokens to cost, or None."""

    def __init__(self, script: Script) -> None:
        self._flat: tuple[Slot, ...] | None = slots(script.turns) if script.turns else None
        self._windows: dict[str, tuple[Slot, ...]] = {name: slots(turns) for name, turns in script.phases.items()}
        self._memory = _Memory()
        self._lock = threading.Lock()
        self.price: Price | None = script.price
        self.exchanges: list[Exchange] = []
        self.mismatches: list[str] = []

    @classmethod
    def load(cls, path: Path | str) -> ScriptedModel:
        """Reads the script at `path`; raises `ScriptError` naming the line and the turn."""
        return cls(load(Path(path)))

    @property
    def windows(self) -> tuple[str, ...]:
        """The window names the script has turns for; empty for a flat script."""
        return tuple(self._windows)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[ScriptedServer]:
        """Serves on 127.0.0.1 until the block ends; `base_url` and `api_key` of the yielded server reach it."""
        key = os.environ.get("FORGEHAND_SCRIPTED_KEY") or secrets.token_urlsafe(24)
        with serving(self.answer, key, lambda: list(self._windows) or ["scripted"], port, self.mismatches) as server:
            yield server

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """What to send for a chat completion request body (already parsed JSON)."""
        window, messages = str(request.get("model", "")), request.get("messages")
        if not isinstance(messages, list) or not messages:
            return Answer.error(400, wire.error("`messages` must be a non-empty list", "invalid_request_error", None))
        with self._lock:
            return self._play(window, messages)

    def _play(self, window: str, messages: Sequence[Mapping[str, Any]]) -> Answer:
        position, opening = _position(messages), _opening(messages)
        try:
            slot, place = self._slot(window, position)
            already = self._memory.faults.get((window, position, opening), 0)
            fault, turn, entry = slot.play(already)
            if fault is None and turn is None:
                raise _Mismatch("the script ends with a fault and has no reply to follow it", entry)
            newest = _newest(messages)
            _expect(slot.faults[already][1] if fault else turn, newest, entry)
        except _Mismatch as mismatch:
            text = f"script mismatch, window {window!r}, position {position}, entry {mismatch.entry}: {mismatch}"
            self.mismatches.append(text)
            self.exchanges.append(Exchange(window, position, mismatch.entry, "mismatch", None, len(messages)))
            return Answer.error(400, wire.error(text, "invalid_request_error", "script_mismatch"))
        if self._flat is not None:
            self._memory.next_unplayed = max(self._memory.next_unplayed, place + 1)
        if fault is not None:
            self._memory.faults[(window, position, opening)] = already + 1
        message = _message(turn, newest, window, position) if turn else None
        outcome: Literal["reply", "fault"] = "fault" if fault else "reply"
        self.exchanges.append(Exchange(window, position, entry, outcome, fault, len(messages)))
        return Answer(
            message=message,
            usage=wire.usage(messages, message) if message else None,
            model=window,
            fault=fault,
            delay_s=turn.delay_s if turn and not fault else 0.0,
        )

    def _slot(self, window: str, position: int) -> tuple[Slot, int]:
        """The slot for a window's position and its index in the list it stands in (-1 for the default summary)."""
        if window == "summary" and window not in self._windows:
            return _DEFAULT_SLOT, -1
        if self._flat is None:
            if window not in self._windows:
                known = ", ".join(self._windows)
                raise _Mismatch(f"the script has no window of this name (it has {known}); add it under `phases:`", 0)
            listed, place = self._windows[window], position
        else:
            if window not in self._memory.starts:
                if position:
                    raise _Mismatch("a flat script cannot be resumed by a new server; use `phases:`", 0)
                self._memory.starts[window] = self._memory.next_unplayed
            listed, place = self._flat, self._memory.starts[window] + position
        if place >= len(listed):
            raise _Mismatch(f"the script has only {len(listed)} replies here; add a turn for this request", 0)
        return listed[place], place


class _Mismatch(Exception):
    def __init__(self, text: str, entry: int) -> None:
        super().__init__(text)
        self.entry = entry


def _expect(turn: Turn | None, newest: str, entry: int) -> None:
    if turn is not None and turn.expect is not None and search(turn.expect, newest) is None:
        raise _Mismatch(f"expected /{turn.expect}/ in the newest message, got: {newest[:_SHOWN]!r}", entry)


def _message(turn: Turn, newest: str, window: str, position: int) -> wire.Json | None:
    """The assistant message of a turn; None where a fault comes before a turn that does not match yet."""
    found = search(turn.expect, newest) if turn.expect is not None else None
    if turn.expect is not None and found is None:
        return None
    groups = found.groupdict() if found else {}
    calls = [(call.tool, wire.arguments(fill(call.args, groups))) for call in turn.call]
    if turn.fault == "malformed_arguments":
        calls = [(tool, text[: len(text) // 2]) for tool, text in calls] or [("run", '{"command": "ls')]
    elif turn.fault == "unknown_tool":
        calls = [(f"{tool}_unknown", text) for tool, text in calls] or [("launch_rocket", "{}")]
    say = fill(turn.say, groups) if turn.say is not None else None
    return wire.assistant(say, calls, hashlib.sha256(f"{window}/{position}".encode()).hexdigest()[:10])


def _position(messages: Sequence[Mapping[str, Any]]) -> int:
    position = 0
    for message in messages:
        if message.get("role") == "assistant":
            position += 1
        elif message.get("role") == "user" and (found := _SUMMARY.match(wire.message_text(message))):
            position += int(found[1])
    return position


def _opening(messages: Sequence[Mapping[str, Any]]) -> str:
    """Tells conversations apart: the first message and the second's first line (compaction may cut its rest)."""
    head = wire.message_text(messages[0])
    title = wire.message_text(messages[1]).split("\n")[0] if len(messages) > 1 else ""
    return hashlib.sha256(f"{head}\0{title}".encode()).hexdigest()


def _newest(messages: Sequence[Mapping[str, Any]]) -> str:
    texts: list[str] = []
    for message in reversed(messages):
        if message.get("role") in ("assistant", "system"):
            break
        texts.append(wire.message_text(message))
    return "\n".join(reversed(texts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves a script until interrupted; prints where, and the key unless FORGEHAND_SCRIPTED_KEY gave it."""
    parser = argparse.ArgumentParser(prog="python -m demo.scripted_model", description="Serve a scripted model.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        model = ScriptedModel.load(options.file)
    except ScriptError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with model.serve(options.port) as server:
        sys.stdout.write(f"serving {options.file} at {server.base_url}\n")
        if not hmac.compare_digest(os.environ.get("FORGEHAND_SCRIPTED_KEY", "").encode(), server.api_key.encode()):
            sys.stdout.write(f"key for this run: {server.api_key}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
