"""pyright and typescript-language-server as they are installed, in a box that has no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.language_server import Diagnostic, Found, LanguageServers, Trouble
from agent.tools import DIAGNOSING, SERVED, Desk
from sandboxes import Box, BubblewrapBackend, SandboxSpec
from tests.agent.bench import Stop, tree
from tests.codebase.navigation.making import navigator_of
from tests.engines import absent

PYTHON = {
    "shapes/__init__.py": "",
    "shapes/base.py": "class Shape:\n    def area(self) -> float:\n        return 0.0\n",
    "shapes/square.py": (
        "from shapes.base import Shape\n\n\nclass Square(Shape):\n    def __init__(self, side: float) -> None:\n"
        "        self.side = side\n\n    def area(self) -> float:\n        return self.side ** 2\n"
    ),
    "use.py": (
        "from shapes.square import Square\n\n\ndef total(shapes: list[Square]) -> float:\n"
        "    return sum(one.area() for one in shapes)\n\n\nwrong: str = Square(2).area()\n"
    ),
}
TYPESCRIPT = {
    "src/part.ts": "export interface Part {\n  size(): number;\n}\n",
    "src/whole.ts": (
        'import { Part } from "./part";\n\nexport class Whole implements Part {\n'
        "  size(): number {\n    return 1;\n  }\n}\n"
    ),
    "src/base.ts": "export class Greeter {\n  greet(name: string): string {\n    return name;\n  }\n}\n",
    "src/use.ts": 'import { Greeter } from "./base";\n\nconst g = new Greeter();\n'
    'export const n: number = g.greet("x");\n',
}
SECONDS = 120.0
"""More than people wait: the tests share their cores."""


def installed(program: str) -> None:
    if shutil.which(program, path="/usr/local/bin:/usr/bin:/bin") is None:
        absent(f"a language server ({program})")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    backend = BubblewrapBackend(tmp_path_factory.mktemp("boxes"))
    with backend.create(SandboxSpec(memory_bytes=2 << 30, disk_bytes=256 << 20), name="served") as made:
        made.put_tree(tree({**PYTHON, **TYPESCRIPT}))
        yield made


def places(found: Found | Trouble) -> list[tuple[str, int, int, str, str]]:
    assert isinstance(found, Found), str(found)
    assert all(place.certainty == "exact" for place in found.places)
    return [(one.path, one.start_line, one.end_line, one.symbol, one.kind) for one in found.places]


def test_python_definitions_follow_types(box: Box) -> None:
    installed("pyright-langserver")
    found = LanguageServers(box, SECONDS).locate("definition", "use.py", 5, "one.area")
    assert places(found) == [("shapes/square.py", 8, 9, "Square.area", "function")]
    assert isinstance(found, Found)
    assert (found.server, found.places[0].text) == ("pyright-langserver", "def area(self) -> float:")


def test_python_uses_in_files_that_are_not_open(box: Box) -> None:
    installed("pyright-langserver")
    found = places(LanguageServers(box, SECONDS).locate("references", "shapes/square.py", 4, "Square"))
    assert {(path, line) for path, line, *_ in found} == {("use.py", 1), ("use.py", 4), ("use.py", 8)}


def test_python_outline_and_findings(box: Box) -> None:
    installed("pyright-langserver")
    asking = LanguageServers(box, SECONDS)
    assert places(asking.outline("shapes/square.py")) == [
        ("shapes/square.py", 4, 9, "Square", "class"),
        ("shapes/square.py", 5, 6, "Square.__init__", "function"),
        ("shapes/square.py", 8, 9, "Square.area", "function"),
    ]
    found = asking.diagnose(["use.py", "shapes/square.py"])
    assert isinstance(found, Found), str(found)
    (one,) = found.diagnostics
    assert (one.path, one.line, one.severity, one.code) == ("use.py", 8, "error", "reportAssignmentType")
    assert "float" in one.message


def test_a_library_is_outside(box: Box) -> None:
    installed("pyright-langserver")
    box.write("lib.py", b"import json\n\njson.dumps(1)\n")
    found = LanguageServers(box, SECONDS).locate("definition", "lib.py", 3, "json.dumps")
    assert isinstance(found, Found), str(found)
    assert (found.places, found.outside > 0) == ((), True)


def test_typescript_definitions_uses_and_findings(box: Box) -> None:
    installed("typescript-language-server")
    asking = LanguageServers(box, SECONDS)
    assert places(asking.locate("definition", "src/use.ts", 4, "g.greet")) == [
        ("src/base.ts", 2, 4, "Greeter.greet", "function")
    ]
    uses = places(asking.locate("references", "src/base.ts", 1, "Greeter"))
    assert {(path, line) for path, line, *_ in uses} == {("src/use.ts", 1), ("src/use.ts", 3)}
    assert places(asking.locate("implementation", "src/part.ts", 2, "size")) == [
        ("src/whole.ts", 4, 6, "Whole.size", "function")
    ]
    found = asking.diagnose(["src/use.ts"])
    assert isinstance(found, Found), str(found)
    assert [one for one in found.diagnostics if one.severity == "error"] == [
        Diagnostic("src/use.ts", 4, "error", "Type 'string' is not assignable to type 'number'.", "2322")
    ]


def test_the_agents_tools_say_who_answered(box: Box, tmp_path: Path) -> None:
    installed("pyright-langserver")
    desk = Desk(box, 60.0, Stop(), navigator=navigator_of(PYTHON, tmp_path))
    desk.servers = LanguageServers(box, SECONDS)
    tools = {tool.name: tool for tool in (*SERVED, *DIAGNOSING)}

    def call(called: str, **arguments: object) -> str:
        tool = tools[called]
        return tool.handler(desk, tool.arguments.model_validate(arguments)).text

    by_server = call("go_to_definition", name="one.area", path="use.py", line=5)
    assert "shapes/square.py:8-9 function Square.area (exact)" in by_server
    assert "pyright-langserver, on the files as they are now" in by_server
    by_index = call("go_to_definition", name="Square.area")
    assert "shapes/square.py:8-9" in by_index
    assert "pyright" not in by_index
    fallen_back = call("find_references", name="Square", path="use.py", line=2)
    assert "use.py:4" in fallen_back
    assert "[by the index; pyright-langserver: Square does not stand on line 2 of use.py]" in fallen_back
    assert "use.py:8 error: " in call("diagnostics", paths=["use.py"])
    assert "finds nothing wrong in shapes/base.py" in call("diagnostics", paths=["shapes/base.py"])
    assert "No findings: no language server is known for .md files" in call("diagnostics", paths=["a.md"])
