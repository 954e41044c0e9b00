"""Changing files: one replacement, or a patch over several files. A change that breaks a file's syntax is refused."""

from __future__ import annotations

import posixpath
from typing import Any

from pydantic import Field

from agent.quoting import quote
from agent.tools import hunks
from agent.tools.desk import Desk
from agent.tools.matching import NoMatch, replace
from agent.tools.reading import cut_line, is_binary
from agent.tools.syntax import broken
from agent.tools.tool import Arguments, Observation, Tool
from sandboxes.contract import WORKSPACE, SandboxError

_FILE_LIMIT = 8 << 20
_SECONDS = 30.0
_SHOWN_LINES = 40
_AROUND = 3
_PARSE = "import ast, sys; ast.parse(sys.stdin.buffer.read())"


class EditArguments(Arguments):
    path: str = Field(min_length=1, description="File path relative to the repository root.")
    old: str = Field(default="", description="The text to replace, copied exactly; empty to create a new file.")
    new: str = Field(description="The text to put there; empty to delete the old text.")
    everywhere: bool = Field(default=False, description="Replace every occurrence instead of the only one.")


class PatchArguments(Arguments):
    patch: str = Field(min_length=1, description="Unified diff: `--- a/PATH`, `+++ b/PATH`, `@@` and hunk lines.")


class Refused(Exception):
    """A change that is not made; the text is for the model."""


def _edit(desk: Desk, arguments: EditArguments) -> Observation:
    try:
        path = _inside(desk, arguments.path)
        before = _load(desk, path)
        if before is None and arguments.old:
            raise Refused(f"{path} does not exist; leave `old` empty to create it, or use list_files to find it")
        if before and not arguments.old:
            raise Refused(f"{path} exists already; give in `old` the text to replace")
        if before is None or not arguments.old:
            after, how = arguments.new, "created" if before is None else "filled"
        else:
            replacement = replace(before, arguments.old, arguments.new, everywhere=arguments.everywhere)
            after = replacement.text
            how = "changed" if replacement.rung == "exact" else f"changed (found by ignoring {replacement.rung})"
        _gate(desk, path, before, after)
        _save(desk, path, after)
    except (Refused, NoMatch) as error:
        return Observation(f"{arguments.path} was not changed: {error}", ok=False)
    return Observation(f"{path} {how}.\n{_around(path, before or '', after)}", edited=True)


def _apply_patch(desk: Desk, arguments: PatchArguments) -> Observation:
    """All or nothing: every file is worked out before the first is written; a failing write is taken back."""
    try:
        patches = hunks.parse(arguments.patch)
        originals: dict[str, str | None] = {}
        results: dict[str, str | None] = {}
        for patch in patches:
            _plan_file(desk, patch, originals, results)
        for path, text in results.items():
            if text is not None:
                _gate(desk, path, originals[path], text)
    except (hunks.PatchError, Refused) as error:
        return Observation(f"Nothing was changed: {error}", ok=False)
    executable = {patch.new: _is_executable(desk, patch.old) for patch in patches if patch.new and patch.old}
    done: list[str] = []
    try:
        for path, text in results.items():
            done.append(path)
            _put(desk, path, text, executable=executable.get(path, False))
    except (SandboxError, OSError):
        for path in done:
            _put(desk, path, originals[path], executable=executable.get(path, False))
        raise
    lines = [f"{path} {_verb(originals[path], text)}." for path, text in results.items()]
    return Observation("\n".join(lines), edited=True)


def _plan_file(
    desk: Desk, patch: hunks.FilePatch, originals: dict[str, str | None], results: dict[str, str | None]
) -> None:
    """Adds one file patch to `results`; a later patch of the same file works on the earlier one's result."""
    source = _inside(desk, patch.old) if patch.old is not None else None
    target = _inside(desk, patch.new) if patch.new is not None else None
    for path in {path for path in (source, target) if path is not None} - originals.keys():
        originals[path] = results[path] = _load(desk, path)
    if source is None:
        if target is None:
            raise hunks.PatchError("a file patch names no file")
        if results[target] is not None:
            raise Refused(f"{target} exists already, so it cannot be created; patch it with its own lines as context")
        results[target] = hunks.apply(patch, "")
        return
    text = results[source]
    if text is None:
        raise Refused(f"{source} does not exist; use list_files to find the file")
    changed = hunks.apply(patch, text)
    if target is None:
        if changed:
            raise Refused(f"the patch deletes {source} but leaves some of its lines; remove all of them")
        results[source] = None
        return
    if target != source:
        if results[target] is not None:
            raise Refused(f"{target} exists already, so {source} cannot be renamed to it")
        results[source] = None
    results[target] = changed


def _inside(desk: Desk, path: str) -> str:
    """The path relative to the tree; refuses what is outside it or what this window may not change."""
    inner = posixpath.normpath(path.removeprefix(f"{WORKSPACE}/"))
    if inner.startswith(("/", "../")) or inner in (".", "..") or "\0" in inner:
        raise Refused(f"{path} is not a file of the repository; give a path relative to its root")
    if ".git" in inner.split("/"):
        raise Refused(f"{path} belongs to git and is not changed")
    if not desk.may_write(inner):
        raise Refused(f"in this window only test files may be changed, and {inner} does not look like one")
    return inner


def _load(desk: Desk, path: str) -> str | None:
    """A file's text, None when there is no such file. Bytes that are not UTF-8 survive as lone surrogates."""
    try:
        data = desk.box.read(path, limit=_FILE_LIMIT)
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise Refused(f"{path} is a folder") from None
    if is_binary(data):
        raise Refused(f"{path} is binary; use run to change it")
    return data.decode("utf-8", "surrogateescape")


def _gate(desk: Desk, path: str, before: str | None, after: str) -> None:
    """Refuses text that does not parse, unless the file did not parse before. A Python file gets a second opinion from
    the box's own interpreter, which may know a newer grammar than ours."""
    complaint = broken(path, after)
    if complaint is None or (before and broken(path, before) is not None):
        return
    if path.endswith((".py", ".pyi")):
        data = after.encode("utf-8", "surrogateescape")
        checked = desk.box.run(["sh", "-c", 'command -v python3 >/dev/null && exec python3 -c "$0"', _PARSE],
                               timeout=_SECONDS, stdin=data)  # fmt: skip
        if checked.exit_code == 0:
            return
    raise Refused(f"{path} would no longer parse: {complaint}. Correct the new text and edit again")


def _save(desk: Desk, path: str, text: str) -> None:
    _put(desk, path, text, executable=_is_executable(desk, path))


def _put(desk: Desk, path: str, text: str | None, *, executable: bool) -> None:
    if text is None:
        desk.box.run(["rm", "-f", "--", path], timeout=_SECONDS)
    else:
        desk.box.write(path, _encoded(text), executable=executable)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_executable(desk: Desk, path: str) -> bool:
    return desk.box.run(["test", "-x", path], timeout=_SECONDS).exit_code == 0


def _verb(before: str | None, after: str | None) -> str:
    if after is None:
        return "deleted"
    return "created" if before is None else "changed"


def _around(path: str, before: str, after: str) -> str:
    """The changed lines of `after` with their numbers and a few lines around them."""
    old, new = before.removesuffix("\n").split("\n"), after.removesuffix("\n").split("\n")
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    first, last = max(0, head - _AROUND), min(len(new), len(new) - tail + _AROUND)
    last = min(last, first + _SHOWN_LINES)
    shown = [f"{number + 1:5d}  {cut_line(new[number])}" for number in range(first, last)]
    text = "\n".join(shown).encode("utf-8", "replace").decode()
    return quote(text, f"{path}, lines {first + 1} to {last} now")


EDITING: tuple[Tool[Any], ...] = (
    Tool(
        name="edit",
        description="Replace a text that stands in exactly one place of a file, or create a file (empty `old`). Copy "
        "`old` exactly, with enough lines around it to be unique. Python, JSON and TOML must still parse.",
        arguments=EditArguments,
        handler=_edit,
        example={"path": "src/app.py", "old": "    return a - b\n", "new": "    return a + b\n"},
        may_change=True,
    ),
    Tool(
        name="apply_patch",
        description="Apply a unified diff, to several files at once if need be. Hunks are placed by their content, "
        "line numbers are only hints. Either all of it is applied or nothing.",
        arguments=PatchArguments,
        handler=_apply_patch,
        example={
            "patch": "--- a/src/app.py\n+++ b/src/app.py\n@@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
        },
        may_change=True,
    ),
)
