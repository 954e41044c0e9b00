"""Looking at the tree: read a file's lines, list a folder, search text. None of them changes anything."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agent.quoting import quote
from agent.tools.desk import Desk
from agent.tools.tool import Arguments, Observation, Tool

READ_LINES = 400
READ_CHARS = 40_000
HITS = 50
ENTRIES = 200
_LINE_CHARS = 400
_FILE_LIMIT = 8 << 20
_SECONDS = 30.0
_SKIPPED = (".git", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache", ".pytest_cache")


class ReadArguments(Arguments):
    path: str = Field(description="File path relative to the repository root.", min_length=1)
    start_line: int = Field(default=1, ge=1, description="First line to show, counted from 1.")
    end_line: int | None = Field(default=None, ge=1, description=f"Last line; at most {READ_LINES} lines are shown.")


class ListArguments(Arguments):
    path: str = Field(default=".", description="Folder relative to the repository root.")
    depth: int = Field(default=2, ge=1, le=6, description="How many levels to show.")


class SearchArguments(Arguments):
    pattern: str = Field(min_length=1, description="Regular expression (Perl syntax), matched line by line.")
    path: str = Field(default=".", description="Folder or file to search in.")
    files: str = Field(default="", description="Only files whose name matches this glob, such as *.py.")


def text_of(data: bytes) -> tuple[str, bool]:
    """A file's text and whether it was all UTF-8; other bytes become replacement characters."""
    try:
        return data.decode("utf-8"), True
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), False


def is_binary(data: bytes) -> bool:
    """Git's own rule: a NUL byte within the first 8,000."""
    return b"\0" in data[:8000]


def _read(desk: Desk, arguments: ReadArguments) -> Observation:
    path = arguments.path
    try:
        data = desk.box.read(path, limit=_FILE_LIMIT)
    except FileNotFoundError:
        return Observation(f"{path}: no such file. Use list_files or search_text to find it.", ok=False)
    except IsADirectoryError:
        return Observation(f"{path} is a folder. Use list_files.", ok=False)
    if is_binary(data):
        return Observation(f"{path} is binary, {len(data):,} bytes; it is not shown.", ok=False)
    text, clean = text_of(data)
    if not text:
        return Observation(f"{path} is empty.")
    lines = text.removesuffix("\n").split("\n")
    if arguments.start_line > len(lines):
        return Observation(f"{path} has only {len(lines)} lines.", ok=False)
    first = arguments.start_line
    last = min(arguments.end_line or len(lines), first + READ_LINES - 1, len(lines))
    if last < first:
        return Observation(f"end_line {arguments.end_line} is before start_line {first}.", ok=False)
    shown: list[str] = []
    size = 0
    for number in range(first, last + 1):
        line = f"{number:5d}  {cut_line(lines[number - 1])}"
        size += len(line) + 1
        if size > READ_CHARS:
            last = number - 1
            break
        shown.append(line)
    header = f"{path}, lines {first} to {last} of {len(lines)}"
    if not clean:
        header += "; not UTF-8, undecodable bytes are shown as \ufffd"
    more = "" if last == len(lines) else f"\n[{len(lines) - last} more lines; read with start_line {last + 1}]"
    return Observation(quote("\n".join(shown), header) + more)


def _list(desk: Desk, arguments: ListArguments) -> Observation:
    skipped = " -o ".join(f"-name {name}" for name in _SKIPPED)
    script = (
        f'cd -- "$0" && find . -mindepth 1 -maxdepth "$1" \\( {skipped} \\) -prune -o -mindepth 1 -print0'
        " | LC_ALL=C sort -z | head -z -n 2001 | xargs -0 -r ls -dp --"
    )
    result = desk.box.run(["sh", "-c", script, arguments.path, str(arguments.depth)], timeout=_SECONDS)
    if result.exit_code != 0:
        reason = text_of(result.stderr)[0].strip() or "the listing took too long; list a narrower folder"
        return Observation(f"{arguments.path} cannot be listed: {reason}", ok=False)
    names = [name.removeprefix("./") for name in text_of(result.stdout)[0].splitlines()]
    if not names:
        return Observation(f"{arguments.path} is empty (folders like .git and node_modules are not shown).")
    more = "" if len(names) <= ENTRIES else f"\n[{len(names) - ENTRIES} or more left out; list a narrower folder]"
    return Observation(quote("\n".join(names[:ENTRIES]), f"files under {arguments.path}") + more)


def _search(desk: Desk, arguments: SearchArguments) -> Observation:
    argv = ["grep", "-rnIHP", "-m", str(HITS + 1)]
    argv += [f"--exclude-dir={name}" for name in _SKIPPED]
    argv += [f"--include={arguments.files}"] if arguments.files else []
    result = desk.box.run([*argv, "-e", arguments.pattern, "--", arguments.path], timeout=_SECONDS, env={"LC_ALL": "C"})
    if result.timed_out:
        return Observation("The search took too long; search a narrower path or use `files`.", ok=False)
    lines = text_of(result.stdout)[0].splitlines()
    if result.exit_code not in (0, 1) and not lines:
        return Observation(f"The search failed: {text_of(result.stderr)[0].strip()[:600]}", ok=False)
    if not lines:
        return Observation(f"No line matches {arguments.pattern!r} under {arguments.path}.")
    shown = [cut_line(line.removeprefix("./")) for line in lines[:HITS]]
    more = ""
    if len(lines) > HITS:
        more = f"\n[more than {HITS} hits, these are the first; narrow your query: a longer pattern, `path` or `files`]"
    return Observation(quote("\n".join(shown), f"search for {arguments.pattern} under {arguments.path}") + more)


def cut_line(line: str) -> str:
    """A line short enough to show."""
    return line if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]} [... {len(line) - _LINE_CHARS:,} more]"


READING: tuple[Tool[Any], ...] = (
    Tool(
        name="read",
        description="Show a file's lines with their numbers. Ask for a range in long files.",
        arguments=ReadArguments,
        handler=_read,
        example={"path": "src/app.py", "start_line": 1, "end_line": 120},
        read_only=True,
    ),
    Tool(
        name="list_files",
        description="List files and folders (folders end with a slash).",
        arguments=ListArguments,
        handler=_list,
        example={"path": "src", "depth": 2},
        read_only=True,
    ),
    Tool(
        name="search_text",
        description=f"Search the tree for a regular expression. At most {HITS} hits are shown.",
        arguments=SearchArguments,
        handler=_search,
        example={"pattern": r"def parse_\w+", "path": "src", "files": "*.py"},
        read_only=True,
    ),
)
