"""Moving about the code: where a name is defined, who uses and calls it, what a file defines.

The index knows the commit the window started from. A file changed since is read as it is in the box now, so that
no line is shown that is not there; of what stands in it only the name is known, which the answer says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import Field

from agent.places import one_line
from agent.quoting import quote
from agent.tools.desk import Desk
from agent.tools.tool import Arguments, Observation, Tool
from agent.tree import is_leftover
from codebase.index.parsing import ParserUnavailable
from codebase.navigation import Answer, Navigator, NotThere, Place
from codebase.navigation.present import Present
from sandboxes.contract import ChangesTooLarge

MOST = 40
_OUTLINE = 400
_CHARS = 12_000
_LINE_CHARS = 160
_NO_INDEX = Observation("There is no index of this repository. Use search_text.", ok=False)


class NameArguments(Arguments):
    name: str = Field(
        min_length=1,
        max_length=300,
        description="The name as it stands in code: run, Class.run, package.module.run.",
    )
    path: str = Field(default="", description="A file in which the name stands, to say which one is meant.")
    line: int = Field(default=0, ge=0, description="The line in that file, counted from 1.")


class OutlineArguments(Arguments):
    path: str = Field(min_length=1, description="File path relative to the repository root.")


Ask = Callable[[Navigator, str, str, int], Answer]
Now = Callable[[Present, str], Iterable[Place]]


def _asking(ask: Ask, now: Now, nothing: str) -> Callable[[Desk, NameArguments], Observation]:
    """A handler: what the index says of unchanged files, and what the changed ones hold now."""

    def handler(desk: Desk, arguments: NameArguments) -> Observation:
        if desk.navigator is None:
            return _NO_INDEX
        present, warning = _present(desk)
        path, line = (arguments.path, arguments.line) if arguments.line else ("", 0)
        if path in present.paths:
            path, line = "", 0  # its lines are no longer those the index knows
        try:
            current = list(now(present, arguments.name))
            answer = ask(desk.navigator, arguments.name, path, line)
            missing = ""
        except NotThere as error:
            answer, missing = Answer(), str(error)
        except ParserUnavailable as error:
            return Observation(f"The code cannot be parsed here: {error}. Use search_text.", ok=False)
        known = [one for one in answer.places if one.path not in present.paths]
        places = [*current[:MOST], *known]
        notes = [warning] if warning else []
        left_out = answer.left_out + max(0, len(current) - MOST)
        if left_out:
            notes.append(f"[{left_out} more left out; say more of the name, such as Class.name, or where it stands]")
        if not places:
            said = f"{one_line(missing)[:300]}. Use search_text or search_code." if missing else nothing
            return Observation("\n".join([said, *notes]), ok=not missing)
        return Observation("\n".join([listed(places, "the code around that name"), *notes]))

    return handler


def _outline(desk: Desk, arguments: OutlineArguments) -> Observation:
    if desk.navigator is None:
        return _NO_INDEX
    path = arguments.path.removeprefix("./")
    present, warning = _present(desk)
    try:
        places = present.outline(path) if path in present.paths else desk.navigator.outline(path).places
    except NotThere as error:
        return Observation(f"{one_line(str(error))[:300]}. Use list_files to find it, or read it.", ok=False)
    except ParserUnavailable as error:
        return Observation(f"The code cannot be parsed here: {error}. Use read.", ok=False)
    if places is None:
        return Observation(f"{one_line(path)[:300]} is gone, or of no language that is known. Use read.", ok=False)
    if not places:
        return Observation(f"{one_line(path)[:300]} defines no function and no class.")
    lines = [
        f"{one.start_line:6d}-{one.end_line}  {'  ' * one.symbol.count('.')}{one.text[:_LINE_CHARS]}"
        for one in places[:_OUTLINE]
    ]
    more = [f"[{len(places) - _OUTLINE} more left out; read the file]"] if len(places) > _OUTLINE else []
    shown = quote("\n".join(one_line(line) for line in lines), f"what {path} defines")
    return Observation("\n".join([shown, *more, *([warning] if warning else [])]))


def _present(desk: Desk) -> tuple[Present, str]:
    """The files changed since the window's commit, and what to say where they cannot be had."""
    try:
        changes = desk.box.get_changes()
    except ChangesTooLarge:
        return Present({}), "[what changed in this window is too large to look at: these are lines of its first commit]"
    return Present({
        path: None if change.kind == "deleted" else change.content
        for path, change in changes.items()
        if change.kind != "symlink" and not is_leftover(path)
    }), ""  # fmt: skip


def listed(places: Sequence[Place], source: str) -> str:
    """Places as a model reads them, quoted, with how sure each is."""
    lines: list[str] = []
    left = _CHARS
    for one in places:
        lines_of = f"{one.start_line}-{one.end_line}" if one.end_line > one.start_line else f"{one.start_line}"
        within = " in " if one.symbol and one.kind not in ("class", "function") else " "
        sure = "exact" if one.certainty == "exact" else one.scope or "by name"
        heading = f"{one_line(one.path)[:300]}:{lines_of} {one.kind}{within}{one_line(one.symbol)[:120]}".rstrip()
        shown = f"{heading} ({sure})\n    {one_line(one.text[:_LINE_CHARS])}"
        left -= len(shown) + 1
        if left < 0:
            lines.append(f"[{len(places) - len(lines)} more left out]")
            break
        lines.append(shown)
    return quote("\n".join(lines), f"{source}; exact: by the program's own rules, else only the name fits")


def _tool(name: str, description: str, ask: Ask, now: Now, nothing: str, example: dict[str, object]) -> Tool[Any]:
    handler = _asking(ask, now, nothing)
    return Tool(name, description, NameArguments, handler, example, read_only=True)


NAVIGATING: tuple[Tool[Any], ...] = (
    _tool(
        "go_to_definition",
        "Show where a function, class or constant is defined: path, lines and its first line. With path and line of a "
        "place where the name stands, the one that is meant there comes first.",
        lambda navigator, name, path, line: navigator.definition(name, path=path, line=line, most=MOST),
        lambda present, name: present.definitions(name),
        "Nothing of that name is defined here. Use search_text.",
        {"name": "Session.close", "path": "src/app.py", "line": 12},
    ),
    _tool(
        "find_references",
        "List where a function or class is used in code (calls, imports, bases, other uses), not in comments and "
        "strings. Look here before you change a signature.",
        lambda navigator, name, path, line: navigator.references(name, path=path, line=line, most=MOST),
        lambda present, name: present.uses(name),
        "Nothing in the code uses it, as far as can be read.",
        {"name": "Session.close"},
    ),
    _tool(
        "find_callers",
        "List the calls of a function, or where a class is made, each with the function it stands in.",
        lambda navigator, name, path, line: navigator.callers(name, path=path, line=line, most=MOST),
        lambda present, name: (one for one in present.uses(name) if one.kind == "call"),
        "Nothing in the code calls it, as far as can be read.",
        {"name": "Session.close"},
    ),
    Tool(
        name="outline",
        description="List what a file defines: lines and first line of every function and class.",
        arguments=OutlineArguments,
        handler=_outline,
        example={"path": "src/app.py"},
        read_only=True,
    ),
)
