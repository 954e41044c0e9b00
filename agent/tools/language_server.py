"""Tools that ask a real language server in the box: definitions and uses at a place, and what is wrong in a file.

A server reads its project anew for every question, which takes seconds; so it is asked where a place is named, and
only where it has something to say. Else the index answers, and the answer says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from agent.language_server import Diagnostic, Found, LanguageServers, Trouble
from agent.language_server.asking import Asked
from agent.places import one_line
from agent.quoting import quote
from agent.tools.desk import Desk
from agent.tools.navigating import MOST, NAVIGATING, NameArguments, listed
from agent.tools.tool import Arguments, Observation, Tool

_ASKED: dict[str, Asked] = {"go_to_definition": "definition", "find_references": "references"}
_SHOWN = 40


class DiagnosticsArguments(Arguments):
    paths: list[str] = Field(
        min_length=1, max_length=20, description="Files of one language, relative to the repository root."
    )


def _servers(desk: Desk) -> LanguageServers:
    if desk.servers is None:
        desk.servers = LanguageServers(desk.box)
    return desk.servers


def _served(tool: Tool[NameArguments]) -> Tool[NameArguments]:
    """A navigation tool that asks a language server first where a place is named."""
    asked = _ASKED[tool.name]

    def handler(desk: Desk, arguments: NameArguments) -> Observation:
        if not arguments.path or not arguments.line:
            return tool.handler(desk, arguments)
        path = arguments.path.removeprefix("./")
        found = _servers(desk).locate(asked, path, arguments.line, arguments.name, MOST)
        if isinstance(found, Found) and found.places:
            return Observation(_answered(found))
        why = f"{found.server} found nothing" if isinstance(found, Found) else str(found)
        by_index = tool.handler(desk, arguments)
        return replace(by_index, text=f"{by_index.text}\n[by the index; {one_line(why)[:200]}]")

    return replace(tool, handler=handler)


def _answered(found: Found) -> str:
    lines = [listed(found.places, f"{found.server}, on the files as they are now")]
    if found.outside:
        lines.append(f"[{found.outside} outside of the repository, such as in libraries]")
    if found.left_out:
        lines.append(f"[{found.left_out} more left out]")
    return "\n".join(lines)


def _diagnostics(desk: Desk, arguments: DiagnosticsArguments) -> Observation:
    paths = [path.removeprefix("./") for path in arguments.paths]
    found = _servers(desk).diagnose(paths, _SHOWN)
    if isinstance(found, Trouble):
        return Observation(f"No findings: {one_line(str(found))[:300]}. Run the repository's own checks.", ok=False)
    if not found.diagnostics:
        return Observation(f"{found.server} finds nothing wrong in {one_line(', '.join(paths))[:300]}.")
    shown = quote("\n".join(_line(one) for one in found.diagnostics), f"{found.server}, on the files as they are now")
    return Observation(f"{shown}\n[{found.left_out} more left out]" if found.left_out else shown)


def _line(one: Diagnostic) -> str:
    code = f" [{one_line(one.code)}]" if one.code else ""
    return f"{one_line(one.path)[:300]}:{one.line} {one.severity}: {one_line(one.message)}{code}"


SERVED: tuple[Tool[Any], ...] = tuple(_served(tool) if tool.name in _ASKED else tool for tool in NAVIGATING)
"""The navigation tools, those that a language server can answer asking it first."""

DIAGNOSING: tuple[Tool[Any], ...] = (
    Tool(
        name="diagnostics",
        description="Ask the language server in the box what is wrong in files you changed: types, names that are not "
        "defined, wrong arguments. Takes seconds; it does not replace running the tests.",
        arguments=DiagnosticsArguments,
        handler=_diagnostics,
        example={"paths": ["src/app.py"]},
        read_only=True,
    ),
)
