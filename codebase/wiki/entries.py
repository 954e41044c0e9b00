"""Where execution comes in: console scripts, main functions, commands, routes, and what a package hands out. Pure.

Found by the forms that frameworks give them, line by line; a form that is not in the table is not found, and the page
says so.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["program", "main", "command", "route"]
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """`name`: what somebody types or asks for; `leads_to`: what is run then, empty where the line does not say."""

    kind: Kind
    name: str
    leads_to: str
    path: str
    line: int


_VERBS = "get|post|put|patch|delete|head|options|any|all"
_STRING = r"""(?P<quote>["'`])(?P<name>[^"'`\n]{0,200})(?P=quote)"""
# Language family -> what to look for in a line. `name` may be missing: then the next definition gives it.
_FORMS: Mapping[str, Sequence[tuple[Kind, re.Pattern[str]]]] = {
    "Python": (
        ("main", re.compile(r"""if\s+__name__\s*==\s*["']__main__["']""")),
        ("route", re.compile(rf"@[\w.]+\.(?P<verb>route|{_VERBS}|websocket)\(\s*f?{_STRING}")),
        ("route", re.compile(rf"\b(?P<verb>path|re_path)\(\s*r?{_STRING}\s*,")),
        ("command", re.compile(rf"@(?:[\w.]+\.)?(?:command|group)\(\s*(?:name\s*=\s*)?{_STRING}")),
        ("command", re.compile(r"@(?:[\w.]+\.)?(?:command|group)\((?P<rest>[^\n]*)\)?\s*$")),
        ("command", re.compile(rf"\.add_parser\(\s*{_STRING}")),
    ),
    "JavaScript": (
        ("route", re.compile(rf"\b(?:app|router|server|api|fastify)\.(?P<verb>{_VERBS})\(\s*{_STRING}\s*,")),
        ("route", re.compile(rf"@(?P<verb>Get|Post|Put|Patch|Delete)\(\s*{_STRING}?\s*\)")),
        ("command", re.compile(rf"\.command\(\s*{_STRING}")),
    ),
    "Go": (
        ("main", re.compile(r"^func main\(\)")),
        ("route", re.compile(rf"\.(?P<verb>HandleFunc|Handle|{_VERBS.upper()}|Any)\(\s*{_STRING}\s*,")),
        ("command", re.compile(rf"^\s*Use:\s*{_STRING}\s*,")),
    ),
    "Rust": (
        ("main", re.compile(r"^(?:pub\s+)?(?:async\s+)?fn main\(\)")),
        ("route", re.compile(rf"\.(?P<verb>route)\(\s*{_STRING}\s*,")),
        ("route", re.compile(rf"^\s*#\[(?P<verb>get|post|put|patch|delete)\(\s*{_STRING}")),
    ),
    "Java": (
        ("main", re.compile(r"\bpublic\s+static\s+void\s+main\s*\(")),
        ("route", re.compile(rf"@(?P<verb>Get|Post|Put|Patch|Delete|Request)Mapping\(\s*(?:\w+\s*=\s*)?{_STRING}")),
    ),
    "C#": (
        ("main", re.compile(r"\bstatic\s+(?:async\s+)?(?:void|int|Task(?:<int>)?)\s+Main\s*\(")),
        ("route", re.compile(rf"\.Map(?P<verb>Get|Post|Put|Patch|Delete)\(\s*{_STRING}\s*,")),
        ("route", re.compile(rf"\[Http(?P<verb>Get|Post|Put|Patch|Delete)\(\s*{_STRING}")),
    ),
    "C": (("main", re.compile(r"^(?:int|void)\s+main\s*\(")),),
    "Ruby": (
        ("main", re.compile(r"if\s+(?:__FILE__\s*==\s*\$0|\$0\s*==\s*__FILE__|\$PROGRAM_NAME\s*==\s*__FILE__)")),
        ("route", re.compile(rf"^\s*(?P<verb>get|post|put|patch|delete)\s+{_STRING}")),
    ),
    "PHP": (("route", re.compile(rf"\bRoute::(?P<verb>{_VERBS})\(\s*{_STRING}\s*,")),),
}  # fmt: skip
_FAMILY = {"TypeScript": "JavaScript", "TSX": "JavaScript", "C++": "C"}
_DEFINITION = re.compile(r"\s*(?:async\s+)?def\s+(\w+)")


def entries_in(path: str, language: str, lines: Sequence[str]) -> Iterator[Entry]:
    """The entry points that the lines of one file make."""
    forms = _FORMS.get(_FAMILY.get(language, language), ())
    documented = ""  # the quotes of the docstring that is being passed over: what it shows runs nowhere
    for number, line in enumerate(lines, start=1):
        if language == "Python":
            marks = [mark for mark in ('"""', "'''") if line.count(mark) % 2]
            if documented:
                documented = "" if documented in marks else documented
                continue
            documented = marks[0] if marks else ""
        if len(line) > _LONGEST_LINE or line.lstrip().startswith(("#!", "//", "*", "# ", "/*", ">>>")):
            continue
        for kind, form in forms:
            match = form.search(line)
            if match is None:
                continue
            said = match.groupdict()
            name, target = said.get("name") or "", ""
            if language == "Python" and kind != "main":
                target = _next_definition(lines, number)
            if kind == "main":
                name = path
            elif kind == "command" and not name:
                name = target.replace("_", "-")
            elif kind == "route":
                verb = said.get("verb") or ""
                name = f"{verb.upper()} {name}" if verb.lower() in _VERBS.split("|") else name
            if name:
                yield Entry(kind, name, target, path, number)
            break


def _next_definition(lines: Sequence[str], number: int) -> str:
    for line in lines[number : number + 60]:
        match = _DEFINITION.match(line)
        if match:
            return match[1]
    return ""


def programs(path: str, text: str) -> list[Entry]:
    """The programs that a package's own description names: console scripts, binaries. Nothing for other files."""
    name = path.rpartition("/")[2]
    try:
        if name == "pyproject.toml":
            found = _pyproject(tomllib.loads(text))
        elif name == "Cargo.toml":
            found = _cargo(tomllib.loads(text))
        elif name == "package.json":
            found = _package(json.loads(text))
        elif name == "setup.cfg":
            found = _setup_cfg(text)
        else:
            return []
    except (ValueError, RecursionError, IniError):
        return []
    return [
        Entry("program", program, target, path, _line_of(text, program, target))
        for program, target in found.items()
        if isinstance(target, str)
    ]


def _table(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _pyproject(data: Any) -> dict[str, Any]:
    poetry = _table(data, "tool", "poetry", "scripts")
    return {**poetry, **_table(data, "project", "gui-scripts"), **_table(data, "project", "scripts")}


def _cargo(data: Any) -> dict[str, Any]:
    found = data.get("bin")
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one["name"]): str(one.get("path", "")) for one in listed if "name" in one}


def _package(data: Any) -> dict[str, Any]:
    named = data.get("bin") if isinstance(data, dict) else None
    if isinstance(named, str):
        return {str(data.get("name", "")).rpartition("/")[2]: named}
    return named if isinstance(named, dict) else {}


def _setup_cfg(text: str) -> dict[str, Any]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    lines = parser.get("options.entry_points", "console_scripts", fallback="").splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {name.strip(): target.strip() for name, _, target in pairs}


def _line_of(text: str, *words: str) -> int:
    """The first line with all these words, else with the first of them, else 1."""
    lines = text.splitlines()
    for wanted in (words, words[:1]):
        for number, line in enumerate(lines, start=1):
            if all(word in line for word in wanted):
                return number
    return 1
