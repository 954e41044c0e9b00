"""The agent's end: sends the program into the box with a question, and reads an answer it does not trust."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any, Literal

from codebase.navigation.place import Place
from sandboxes.contract import Box

SECONDS = 45.0
"""For one question: a server reads its whole project first, every time."""
_GRACE_S = 10.0
_ANSWER_LIMIT = 1 << 20
_CHARS = 400
_ENOUGH = 2
_COSTLY = ("it did not answer in time", "it said nothing about the files in time", "it ended")
_KINDS = frozenset({"class", "function", "use"})
Asked = Literal["definition", "references", "implementation"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why no language server answered, in a sentence's tail; `server` is empty where there was none to ask."""

    why: str
    server: str = ""

    def __str__(self) -> str:
        return f"{self.server}: {self.why}" if self.server else self.why


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a server finds wrong on a line; `severity` is error, warning or information."""

    path: str
    line: int
    severity: str
    message: str
    code: str


@dataclass(frozen=True, slots=True)
class Found:
    """A server's answer. `outside` counts places that lie outside of the tree, such as in libraries; `left_out` those
    that were too many. `seconds`: how long it took in the box."""

    server: str
    places: tuple[Place, ...]
    diagnostics: tuple[Diagnostic, ...]
    outside: int
    left_out: int
    seconds: float


class LanguageServers:
    """The servers of one box. Remembers for which kinds of files there is none; nothing is kept running.

    Raises what `Box.run` raises when the box itself is gone.
    """

    def __init__(self, box: Box, seconds: float = SECONDS) -> None:
        self._box, self._seconds = box, seconds
        self._absent: dict[str, str] = {}
        self._failures: Counter[str] = Counter()

    def locate(self, asked: Asked, path: str, line: int, name: str, most: int = 50) -> Found | Trouble:
        """Where the `name` that stands on a line is defined, implemented or used."""
        return self._ask({"asked": asked, "paths": [path], "line": line, "name": name, "most": most})

    def outline(self, path: str, most: int = 200) -> Found | Trouble:
        """A file's definitions."""
        return self._ask({"asked": "outline", "paths": [path], "most": most})

    def diagnose(self, paths: Sequence[str], most: int = 50) -> Found | Trouble:
        """What is wrong in files of one language."""
        return self._ask({"asked": "diagnostics", "paths": list(paths), "most": most})

    def _ask(self, question: dict[str, Any]) -> Found | Trouble:
        ending = PurePosixPath(question["paths"][0]).suffix.lower()
        for path in question["paths"]:
            if not is_inside(path):
                return Trouble(f"{path[:80]!r} is no path in the tree")
        if ending in self._absent:
            return Trouble(self._absent[ending])
        result = self._box.run(
            ["python3", "-I", "-c", _program()],
            timeout=self._seconds + _GRACE_S,
            stdin=json.dumps({**question, "seconds": self._seconds}).encode(),
            output_limit=_ANSWER_LIMIT,
        )
        if result.exit_code in (126, 127):
            self._absent[ending] = "there is no Python in this box to ask one with"
            return Trouble(self._absent[ending])
        if result.oom or result.timed_out:
            self._failed(ending)
            return Trouble("it ran out of the box's memory" if result.oom else "it did not answer in time")
        if result.exit_code != 0 or result.truncated:
            return Trouble("asking it failed")
        answer = read_answer(result.stdout)
        if isinstance(answer, Trouble) and not answer.server:
            self._absent[ending] = answer.why
        elif isinstance(answer, Trouble) and answer.why in _COSTLY:
            self._failed(ending)
        return answer

    def _failed(self, ending: str) -> None:
        """A project that is too large for its server would cost every question the whole patience."""
        self._failures[ending] += 1
        if self._failures[ending] >= _ENOUGH:
            self._absent[ending] = (
                f"the language server for {ending} files failed {_ENOUGH} times and is not asked again"
            )


_BOOT = """import sys, types
for name in ("agent", "agent.language_server"):
    sys.modules[name] = types.ModuleType(name)
for name, text in ({protocol!r}, {inside!r}):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main()
"""


@cache
def _program() -> str:
    """Both modules as one text. In the box there is no package to import the one from the other."""
    here = files("agent.language_server")
    parts = {
        name: (f"agent.language_server.{name}", here.joinpath(f"{name}.py").read_text("utf-8"))
        for name in ("protocol", "inside")
    }
    return _BOOT.format(**parts)


def is_inside(path: str) -> bool:
    """Whether it is a relative path that stays below where it starts. Pure."""
    if not path or len(path) > 4_000 or "\0" in path or path.startswith("/"):
        return False
    return ".." not in path.split("/")


def read_answer(data: bytes) -> Found | Trouble:
    """The program's answer, every value checked: what is not as it should be is left out, or is a Trouble. Pure."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return Trouble("asking it failed", "the language server")
    if not isinstance(answer, dict):
        return Trouble("asking it failed", "the language server")
    server = answer.get("server")
    server = server if isinstance(server, str) and re.fullmatch(r"[\w.+-]{1,60}", server) else ""
    trouble = answer.get("trouble")
    if trouble or not server:
        return Trouble(_line(trouble) if isinstance(trouble, str) and trouble else "asking it failed", server)
    places = [_place(item, server) for item in _items(answer.get("places"))]
    diagnostics = [_diagnostic(item) for item in _items(answer.get("diagnostics"))]
    seconds = answer.get("seconds")
    return Found(
        server,
        tuple(place for place in places if place is not None),
        tuple(one for one in diagnostics if one is not None),
        _count(answer.get("outside")),
        _count(answer.get("left_out")),
        float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e6 else 0.0,
    )


def _items(value: object) -> list[dict[str, Any]]:
    return [item for item in value[:1_000] if isinstance(item, dict)] if isinstance(value, list) else []


def _place(item: dict[str, Any], server: str) -> Place | None:
    path, first, last = item.get("path"), _count(item.get("start_line")), _count(item.get("end_line"))
    kind = item.get("kind")
    if not isinstance(path, str) or not is_inside(path) or first < 1 or last < first or kind not in _KINDS:
        return None
    return Place(path, first, last, _line(item.get("symbol")), str(kind), _line(item.get("text")), "exact", server)


def _diagnostic(item: dict[str, Any]) -> Diagnostic | None:
    path, line = item.get("path"), _count(item.get("line"))
    severity, message = item.get("severity"), _line(item.get("message"))
    known = severity in ("error", "warning", "information")
    if not isinstance(path, str) or not is_inside(path) or line < 1 or not known or not message:
        return None
    return Diagnostic(path, line, str(severity), message, _line(item.get("code"))[:80])


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000_000 else 0


def _line(value: object) -> str:
    text = value[:_CHARS] if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
