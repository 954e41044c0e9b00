"""Servers that hang, crash, flood and lie, in a real box; and answers nobody should believe."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.language_server import Found, LanguageServers, Trouble
from agent.language_server.asking import is_inside, read_answer
from codebase.navigation import Place
from sandboxes import Box
from sandboxes.contract import CommandResult
from tests.agent.bench import a_box
from tests.agent.language_server import servers

FILES = {"a.go": "package a\nvar x = Add()\n", "b.go": "package a\nfunc Add() int {\n\treturn 1\n}\n"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("boxes"), FILES) as made:
        yield made


def ask(box: Box, server: str, seconds: float = 20.0) -> Found | Trouble:
    box.write(".venv/bin/gopls", server.encode(), executable=True)
    return LanguageServers(box, seconds).locate("definition", "a.go", 2, "Add")


def test_an_honest_answer_has_navigations_shape(box: Box) -> None:
    found = ask(box, servers.HONEST)
    assert isinstance(found, Found)
    assert found.places == (Place("b.go", 2, 2, "", "use", "func Add() int {", "exact", "gopls"),)
    assert found.server == "gopls"


def test_lies_are_counted_and_left_out(box: Box) -> None:
    found = ask(box, servers.LIES)
    assert isinstance(found, Found)
    assert [(place.path, place.start_line) for place in found.places] == [("b.go", 2)]
    assert found.outside == 8


@pytest.mark.parametrize(
    ("server", "seconds", "said"),
    [
        (servers.HANGS, 3.0, "did not answer in time"),
        (servers.CRASHES, 20.0, "it ended"),
        (servers.FLOODS, 20.0, "not JSON|more than|in time"),
        (servers.BABBLES, 20.0, "does not speak the protocol"),
        (servers.ENDLESS, 4.0, "in time|more than"),
        (servers.REFUSES, 20.0, "it refused: not \\S*31m today"),
        ("no program\n", 20.0, "does not start|it ended"),
    ],
    ids=["hangs", "crashes", "floods", "babbles", "endless", "refuses", "no program"],
)
def test_a_server_that_misbehaves_is_trouble_in_words_and_in_time(
    box: Box, server: str, seconds: float, said: str
) -> None:
    begun = time.monotonic()
    found = ask(box, server, seconds)
    assert isinstance(found, Trouble)
    assert time.monotonic() - begun < seconds + 15
    assert found.server == "gopls"
    assert re.search(said, found.why)
    assert box.run(["true"], timeout=10).exit_code == 0, "the box stays usable"


def test_what_a_server_leaves_behind_is_ended(box: Box) -> None:
    assert isinstance(ask(box, servers.FORKS, 3.0), Trouble)
    left = box.run(["sh", "-c", "kill -0 $(cat /tmp/alive)"], timeout=10)
    assert left.exit_code != 0


def test_no_server_and_no_such_place_are_said(box: Box) -> None:
    asking = LanguageServers(box, 20.0)
    assert "no language server" in str(asking.locate("definition", "x.ml", 1, "x"))
    begun = time.monotonic()
    assert "no language server" in str(asking.locate("definition", "y.ml", 1, "x"))
    assert time.monotonic() - begun < 0.05, "it is not asked for twice"
    box.write(".venv/bin/gopls", servers.HONEST.encode(), executable=True)
    assert "does not stand on line 1" in str(asking.locate("definition", "a.go", 1, "Add"))
    assert "has only 3 lines" in str(asking.locate("definition", "a.go", 9, "Add"))
    assert "no path in the tree" in str(asking.locate("definition", "../a.go", 1, "Add"))
    assert "no file" in str(asking.locate("definition", "gone.go", 1, "Add"))


def test_a_server_that_fails_twice_is_left_alone(box: Box) -> None:
    box.write(".venv/bin/gopls", servers.CRASHES.encode(), executable=True)
    asking = LanguageServers(box, 20.0)
    for _ in range(2):
        assert "it ended" in str(asking.locate("definition", "a.go", 2, "Add"))
    begun = time.monotonic()
    assert "not asked again" in str(asking.locate("definition", "a.go", 2, "Add"))
    assert time.monotonic() - begun < 0.05


class _Without:
    """A box whose image has no Python."""

    def run(self, argv: Any, **rest: Any) -> CommandResult:
        return CommandResult(127, b"", b"python3: not found", False, False, False, 0.0, 0, 18)


def test_an_image_without_python_is_said() -> None:
    found = LanguageServers(_Without()).locate("definition", "a.py", 1, "x")  # type: ignore[arg-type]  # only run is asked
    assert "no Python" in str(found)


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("a.py", True),
        ("a/b c.py", True),
        ("..x/a", True),
        ("", False),
        ("/a", False),
        ("a/../../b", False),
        ("a\0", False),
    ],
)
def test_paths(path: str, inside: bool) -> None:
    assert is_inside(path) == inside


GOOD: dict[str, Any] = {
    "server": "pyright-langserver", "outside": 1, "left_out": 2, "seconds": 1.5, "trouble": "", "diagnostics": [],
    "places": [
        {"path": "a.py", "start_line": 1, "end_line": 2, "symbol": "A.b", "kind": "function", "text": "def b():"}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"path": "../a"}, {"path": "/a"}, {"path": 3}, {"start_line": 0}, {"end_line": 0}, {"start_line": True},
     {"kind": "x"}, {"start_line": 10**12}, {"end_line": "2"}],
)  # fmt: skip
def test_a_place_that_is_none_is_left_out(change: dict[str, Any]) -> None:
    found = read_answer(json.dumps({**GOOD, "places": [{**GOOD["places"][0], **change}, GOOD["places"][0]]}).encode())
    assert isinstance(found, Found)
    assert found.places == (Place("a.py", 1, 2, "A.b", "function", "def b():", "exact", "pyright-langserver"),)
    assert (found.outside, found.left_out, found.seconds) == (1, 2, 1.5)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"[" * 100_000, b'{"server": "a b"}', b'{"server": "x", "trouble": 3}']
)
def test_an_answer_that_is_none_is_trouble(data: bytes) -> None:
    assert isinstance(read_answer(data), Trouble)


def test_text_cannot_steer_a_terminal() -> None:
    found = read_answer(json.dumps({**GOOD, "places": [{**GOOD["places"][0], "text": "a\x1b[2J\nb"}]}).encode())
    assert isinstance(found, Found)
    assert found.places[0].text == "a [2J b"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=6),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from([*GOOD, *GOOD["places"][0], "severity", "message", "line"]), inner, max_size=6),
                    max_leaves=20))  # fmt: skip
def test_no_answer_breaks_the_reading(value: Any) -> None:
    for data in (value, {**GOOD, "places": value}, {**GOOD, "diagnostics": value}):
        found = read_answer(json.dumps(data).encode())
        if isinstance(found, Found):
            assert all(is_inside(place.path) and 1 <= place.start_line <= place.end_line for place in found.places)
