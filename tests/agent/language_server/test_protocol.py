"""Messages in bytes, places in messages: whatever a server says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.language_server import protocol
from agent.language_server.protocol import (
    Parser,
    Trouble,
    column_of,
    diagnostics_of,
    frame,
    locations,
    path_in,
    symbols,
    units,
    uri_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON, max_size=4)


@given(st.lists(OBJECTS, max_size=5), st.data())
def test_messages_come_out_as_they_went_in_however_they_are_cut(messages: list[dict[str, Any]], data: Any) -> None:
    stream = b"".join(frame(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    parser = Parser()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:end])
    assert found == messages


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello\r\n\r\n", "does not speak"),
        (b"x" * 5000, "does not speak"),
        (b"Content-Length: -1\r\n\r\n{}", "does not speak"),
        (b"Content-Length: 99999999999\r\n\r\n{}", "message of 99999999999 bytes"),
        (b"Content-Length: 3\r\n\r\n{a}", "not JSON"),
        (b"Content-Length: 4000\r\n\r\n" + b"[" * 4000, "not JSON"),
    ],
)
def test_what_is_no_message_ends_the_conversation(data: bytes, said: str) -> None:
    with pytest.raises(Trouble, match=said):
        Parser().feed(data)


def test_other_headers_other_cases_and_what_is_no_object() -> None:
    data = b"Content-Type: x\r\ncontent-length:2\r\n\r\n{}Content-Length: 2\r\n\r\n[]"
    assert Parser().feed(data) == [{}]


def test_a_flood_is_cut() -> None:
    parser = Parser()
    message = frame({"x": "y" * 1_000_000})
    for _ in range(protocol.TOTAL_LIMIT // len(message)):
        parser.feed(message)
    with pytest.raises(Trouble, match="more than"):
        parser.feed(message)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    try:
        for message in Parser().feed(data):
            assert isinstance(message, dict)
    except Trouble:
        pass


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///work/a.py", "a.py"),
        ("file:///work/d%20e/%C3%A9.py", "d e/é.py"),
        ("file://localhost/work/a.py", "a.py"),
        ("file:///work/../etc/passwd", None),
        ("file:///work/..%2f..%2fetc/passwd", None),
        ("file:///etc/passwd", None),
        ("file:///work", None),
        ("file:///workshop/a.py", None),
        ("file://host/work/a.py", None),
        ("http://x/work/a.py", None),
        ("/work/a.py", None),
        ("file:///work/a%00.py", None),
        ("file://[::1", None),
        (None, None),
        (7, None),
        (["file:///work/a.py"], None),
    ],
)
def test_only_paths_in_the_tree(uri: object, path: str | None) -> None:
    assert path_in("/work", uri) == path


@given(
    st.text(min_size=1, max_size=20).filter(
        lambda name: "/" not in name and "\0" not in name and name not in (".", "..")
    )
)
def test_a_path_survives_its_address(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert path_in("/work", uri_of(f"/work/{name}")) == name


def span(first: object, last: object = None) -> dict[str, Any]:
    return {"start": {"line": first, "character": 0}, "end": {"line": first if last is None else last, "character": 1}}


@pytest.mark.parametrize(
    ("result", "places", "outside"),
    [
        (None, [], 0),
        ({"uri": "file:///work/a.py", "range": span(3)}, [("a.py", 4, 4)], 0),
        ([{"targetUri": "file:///work/a.py", "targetSelectionRange": span(0, 2)}], [("a.py", 1, 3)], 0),
        ([{"uri": "file:///usr/lib/x.py", "range": span(1)}, {"uri": "file:///work/a.py", "range": span(1)}],
         [("a.py", 2, 2)], 1),
        ([{"uri": "file:///work/a.py", "range": span(1)}] * 3, [("a.py", 2, 2)], 0),
        ([{"uri": "file:///work/a.py", "range": span(-1)}], [], 1),
        ([{"uri": "file:///work/a.py", "range": span(5, 2)}], [], 1),
        ([{"uri": "file:///work/a.py", "range": span(True)}], [], 1),
        ([{"uri": "file:///work/a.py", "range": "x"}, 7, None], [], 3),
        ("lies", [], 1),
    ],
)  # fmt: skip
def test_places(result: object, places: list[tuple[str, int, int]], outside: int) -> None:
    assert locations("/work", result) == (places, outside)


def test_definitions_nested_and_flat() -> None:
    nested = [{"name": "A", "kind": 5, "range": span(0, 9), "selectionRange": span(0),
               "children": [{"name": "go", "kind": 6, "range": span(2, 4), "selectionRange": span(3)},
                            {"name": "x", "kind": 13, "range": span(5), "selectionRange": span(5)}]}]  # fmt: skip
    assert symbols(nested) == [("A", "class", 1, 10, 1), ("A.go", "function", 3, 5, 4)]
    flat = [{"name": "go", "kind": 12, "containerName": "A", "location": {"uri": "x", "range": span(2, 4)}}]
    assert symbols(flat) == [("A.go", "function", 3, 5, 3)]


def test_findings_errors_first_and_hints_not_at_all() -> None:
    items = [
        {"range": span(5), "severity": 2, "message": "two\n  lines", "code": "c"},
        {"range": span(7), "severity": 1, "message": "worse", "code": 2322},
        {"range": span(1), "severity": 4, "message": "taste"},
        {"range": span(1), "message": 7},
        "no",
    ]
    assert diagnostics_of("a.py", items, 10) == [
        {"path": "a.py", "line": 8, "severity": "error", "message": "worse", "code": "2322"},
        {"path": "a.py", "line": 6, "severity": "warning", "message": "two lines", "code": "c"},
    ]


@given(JSON)
def test_no_result_breaks_the_reading(result: Any) -> None:
    locations("/work", result)
    symbols(result)
    diagnostics_of("a.py", result, 5)


@pytest.mark.parametrize(
    ("text", "name", "column"),
    [
        ("x = add(1)", "add", 4),
        ("readd(add)", "add", 6),
        ("self.go.now()", "self.go", 5),
        ("a = Class().go()", "Class.go", 12),
        ("x = 1", "add", None),
        ("x", "", None),
    ],
)
def test_where_a_name_stands(text: str, name: str, column: int | None) -> None:
    assert column_of(text, name) == column


def test_columns_in_utf_16() -> None:
    assert units("é\U0001d538x", 2) == 3
    assert json.loads(frame({"a": "\U0001d538"}).split(b"\r\n\r\n")[1]) == {"a": "\U0001d538"}
