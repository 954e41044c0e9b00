"""A repository's files as they are at one commit, read with bounds; what cannot be read is recorded, never raised."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass
from functools import cached_property

import yaml
from yaml import Node

MAX_TEXT = 256 << 10  # bytes; configuration and prose written by people are far smaller
MAX_YAML = 64 << 10  # characters; PyYAML takes about a second for 100 kB
MAX_DEPTH = 100  # of brackets; PyYAML takes seconds to give up at thousands


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact stands: a tracked path and a line, counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that would have been evidence and could not be read, and why."""

    path: str
    why: str


class Source:
    """The files of one commit behind two callables; parsing keeps a list of what was unreadable.

    `list_files` gives every tracked path. `read_file` gives a file's bytes, None when there is no such file, and may
    raise ValueError for one it refuses to read (the mirror does for very large files).
    """

    def __init__(self, list_files: Callable[[], Iterable[str]], read_file: Callable[[str], bytes | None]) -> None:
        self.paths = tuple(list_files())
        self.unreadable: list[Unreadable] = []
        self._known = frozenset(self.paths)
        self._read = read_file
        self._texts: dict[str, str | None] = {}
        self._nodes: dict[str, Node | None] = {}

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """The paths by their last part."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, below the root."""
        found: set[str] = set()
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def text(self, path: str) -> str | None:
        """The file as text, or None when it does not exist or is unreadable (too large, not UTF-8)."""
        if path not in self._texts:
            self._texts[path] = self._decode(path) if path in self._known else None
        return self._texts[path]

    def glance(self, path: str) -> str:
        """The file's text where it is there and of a usual size, else empty; nothing is recorded as unreadable."""
        try:
            content = self._read(path) if path in self._known else None
        except ValueError:
            return ""
        return content.decode("utf-8", "replace") if content is not None and len(content) <= MAX_TEXT else ""

    def _decode(self, path: str) -> str | None:
        try:
            content = self._read(path)
            if content is None:
                return None
            if len(content) > MAX_TEXT:
                self._give_up(path, f"larger than {MAX_TEXT} bytes")
                return None
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._give_up(path, "not UTF-8")
            return None
        except ValueError as refused:
            self._give_up(path, str(refused)[:200])
            return None

    def _give_up(self, path: str, why: str) -> None:
        if all(known.path != path for known in self.unreadable):
            self.unreadable.append(Unreadable(path, why))

    def json(self, path: str) -> object:
        """The parsed JSON document, None when absent or malformed."""
        text = self.text(path)
        if text is None:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as problem:
            self._give_up(path, f"not JSON: {_short(problem)}")
            return None

    def toml(self, path: str) -> dict[str, object]:
        """The parsed TOML document, empty when absent or malformed."""
        text = self.text(path)
        try:
            return tomllib.loads(text) if text is not None else {}
        except (ValueError, RecursionError) as problem:
            self._give_up(path, f"not TOML: {_short(problem)}")
            return {}

    def ini(self, path: str) -> ConfigParser:
        """The parsed INI file (no interpolation), without sections when absent or malformed."""
        parser = ConfigParser(interpolation=None, strict=False)
        text = self.text(path)
        try:
            parser.read_string(text or "")
        except IniError as problem:
            self._give_up(path, f"not an INI file: {_short(problem)}")
            return ConfigParser(interpolation=None)
        return parser

    def yaml(self, path: str) -> Node | None:
        """The YAML document as nodes, with lines and unexpanded aliases; None when absent or malformed."""
        if path not in self._nodes:
            self._nodes[path] = self._compose(path)
        return self._nodes[path]

    def _compose(self, path: str) -> Node | None:
        text = self.text(path)
        if text is None:
            return None
        if len(text) > MAX_YAML:
            self._give_up(path, f"YAML of more than {MAX_YAML} characters")
            return None
        if _deepest(text) > MAX_DEPTH:
            self._give_up(path, f"YAML nested more than {MAX_DEPTH} deep")
            return None
        try:
            node: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, ValueError, RecursionError) as problem:
            self._give_up(path, f"not YAML: {_short(problem)}")
            return None
        return node


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:160] or type(problem).__name__


def _deepest(text: str) -> int:
    """How deep brackets are nested in a text at most; those in quotes count too."""
    deepest = depth = 0
    for sign in text:
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth = max(depth - 1, 0)
    return deepest


def line_of(text: str, needle: str, start: int = 0) -> int:
    """The line (from 1) on which `needle` first stands in `text`, 1 when it does not."""
    position = text.find(needle, start)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1
