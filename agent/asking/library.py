"""What an author may look up: search and files of one commit. Remembers every line it showed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, ValidationError

from agent.quoting import quote
from agent.tools.tool import Arguments
from codebase.citations import Citation, Shown
from codebase.index import Contents, Corpus, search

SHOWN_LINES = 1_500
READ_LINES = 200
_READ_CHARS = 20_000
_LINE_CHARS = 300
_PLACES = 6
_PLACE_LINES = 30


class SearchArguments(Arguments):
    query: str = Field(min_length=2, max_length=2_000, description="What the code is about, in words or identifiers.")


class ReadArguments(Arguments):
    path: str = Field(min_length=1, max_length=1_000, description="Path from the repository's root.")
    start_line: int = Field(default=1, ge=1, description="First line, counted from 1.")
    end_line: int | None = Field(default=None, ge=1, description=f"Last line; at most {READ_LINES} lines are shown.")


@dataclass
class Library:
    """One commit's search and files for one author. `commit` is empty for a folder that is no clone."""

    corpus: Corpus
    contents: Contents
    commit: str = ""
    _spans: list[Citation] = field(default_factory=list)
    _lines: int = 0

    def show(self, path: str, start: int, end: int) -> str:
        """Numbered lines of a file, fenced as data, within what an author may be shown in all."""
        lines = self.contents.lines(path)
        end = min(end, len(lines), start + READ_LINES - 1)
        if not lines or not path.isprintable():
            return f"There is no file {path!r} that can be shown."
        if end < start:
            return f"{path} has only {len(lines)} lines."
        room = SHOWN_LINES - self._lines
        if room <= 0:
            return "No more lines can be shown. Answer with what you have."
        numbered: list[str] = []
        for number in range(start, min(end, start + room - 1) + 1):
            numbered.append(f"{number:6d}  {_cut(lines[number - 1])}")
            if sum(map(len, numbered)) > _READ_CHARS:
                break
        end = start + len(numbered) - 1
        self._lines += len(numbered)
        self._spans.append(Citation(path, start, end))
        return quote("\n".join(numbered), f"{path} lines {start} to {end} of {len(lines)}")

    def shown(self) -> Shown:
        """All that was shown so far; of a long line only what was shown of it."""
        return Shown(
            self._spans, lambda path: [line[:_LINE_CHARS] for line in self.contents.lines(path)], commit=self.commit
        )

    def search(self, query: str) -> str:
        """The places that a query is about, with their first lines."""
        hits = [hit for hit in search(self.corpus, query, top=4 * _PLACES) if hit.path.isprintable()][:_PLACES]
        if not hits:
            return "Nothing in the repository has anything to do with that. Try other words."
        self.contents.load(hit.path for hit in hits)
        parts = [
            self.show(hit.path, hit.start_line, min(hit.end_line, hit.start_line + _PLACE_LINES - 1)) for hit in hits
        ]
        return "\n\n".join(parts)

    def call(self, name: str, arguments: str) -> str:
        """What a tool call answers; for one that is wrong, what is wrong with it."""
        tool = _TOOLS.get(name)
        if tool is None:
            return f"There is no tool named {name[:60]!r}. The tools: {', '.join(_TOOLS)}."
        try:
            values = json.loads(arguments or "{}")
            json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair can be looked up nowhere
            if not isinstance(values, dict):
                return f"The call of {name} was not made: its arguments must be a JSON object."
            return tool.run(self, values)
        except (ValueError, RecursionError) as error:
            said = "; ".join(_complaints(error)) if isinstance(error, ValidationError) else str(error)[:200]
            return f"The call of {name} was not made: {said}."


def _complaints(error: ValidationError) -> Sequence[str]:
    return [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]


def _search(library: Library, values: Mapping[str, Any]) -> str:
    return library.search(SearchArguments.model_validate(values).query)


def _read(library: Library, values: Mapping[str, Any]) -> str:
    asked = ReadArguments.model_validate(values)
    return library.show(asked.path, asked.start_line, asked.end_line or asked.start_line + READ_LINES - 1)


@dataclass(frozen=True)
class _Tool:
    description: str
    arguments: type[Arguments]
    run: Callable[[Library, Mapping[str, Any]], str]


_TOOLS = {
    "search_code": _Tool("Find places by meaning or by name and see their lines.", SearchArguments, _search),
    "read": _Tool("See lines of a file.", ReadArguments, _read),
}


def schemas() -> list[dict[str, Any]]:
    """The tools in OpenAI's format."""
    found = []
    for name, tool in _TOOLS.items():
        parameters = tool.arguments.model_json_schema()
        function = {"name": name, "description": tool.description, "parameters": parameters}
        found.append({"type": "function", "function": function})
    return found


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]} [...]"
