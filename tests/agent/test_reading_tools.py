"""Reading, listing and searching in a real box."""

import re
from typing import Any

import pytest

from agent.tools import READING, Desk, Observation
from agent.tools.reading import HITS, READ_LINES
from sandboxes import Box
from tests.agent.bench import Stop, tree

TOOLS = {tool.name: tool for tool in READING}


def use(box: Box, name: str, **arguments: Any) -> Observation:
    tool = TOOLS[name]
    return tool.handler(Desk(box, 20.0, Stop()), tool.arguments.model_validate(arguments))


def test_read_shows_numbered_lines(box: Box) -> None:
    answer = use(box, "read", path="calc.py")
    assert answer.ok
    assert "calc.py, lines 1 to 6 of 6" in answer.text
    assert "    2      return a - b" in answer.text


def test_read_shows_a_range_and_says_what_follows(box: Box) -> None:
    answer = use(box, "read", path="calc.py", start_line=2, end_line=3)
    assert "return a - b" in answer.text
    assert "def add" not in answer.text
    assert "[3 more lines; read with start_line 4]" in answer.text


def test_a_long_file_is_cut_at_a_line(box: Box) -> None:
    box.write("long.txt", "".join(f"number {number}\n" for number in range(1, 5001)).encode())
    answer = use(box, "read", path="long.txt")
    assert f"lines 1 to {READ_LINES} of 5000" in answer.text
    box.write("wide.txt", b"\n".join([b"x" * 350] * 300))
    wide = use(box, "read", path="wide.txt")
    assert len(wide.text) < 42_000
    last = re.search(r"lines 1 to (\d+) of 300", wide.text)
    assert last
    assert f"read with start_line {int(last[1]) + 1}" in wide.text
    box.write("line.txt", b"y" * 100_000)
    assert "more]" in use(box, "read", path="line.txt").text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"path": "none.py"}, "no such file"),
    ({"path": "docs"}, "is a folder"),
    ({"path": "calc.py", "start_line": 7}, "has only 6 lines"),
    ({"path": "calc.py", "start_line": 4, "end_line": 2}, "before start_line"),
    ({"path": "image.bin"}, "is binary, 2,000 bytes"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_what_cannot_be_read_is_explained(box: Box, arguments: dict[str, Any], said: str) -> None:
    box.write("image.bin", b"\x89PNG\0" + b"\1" * 1995)
    answer = use(box, "read", **arguments)
    assert not answer.ok
    assert said in answer.text


def test_bytes_that_are_not_utf8_are_shown_and_marked(box: Box) -> None:
    box.write("latin.py", b"# caf\xe9\nx = 1\n")
    answer = use(box, "read", path="latin.py")
    assert "# caf\ufffd" in answer.text
    assert "not UTF-8" in answer.text
    box.write("empty.py", b"")
    assert use(box, "read", path="empty.py").text == "empty.py is empty."


def test_lines_are_counted_as_grep_counts_them(box: Box) -> None:
    box.write("feed.py", b"a\x0cb\nneedle\n")
    assert "    2  needle" in use(box, "read", path="feed.py").text
    assert "feed.py:2:needle" in use(box, "search_text", pattern="needle").text


def test_list_shows_folders_and_leaves_caches_out(box: Box) -> None:
    box.write("src/deep/er/x.py", b"")
    box.write("node_modules/left/pad.js", b"")
    box.write("a b/with space.txt", b"")
    answer = use(box, "list_files")
    listed = answer.text.splitlines()[1:-1]
    assert listed == [
        "a b/",
        "a b/with space.txt",
        "calc.py",
        "docs/",
        "docs/notes.md",
        "src/",
        "src/deep/",
        "test_calc.py",
    ]
    assert "src/deep/er/x.py" in use(box, "list_files", path="src", depth=3).text.replace("deep", "src/deep")
    assert not use(box, "list_files", path="none").ok
    assert not use(box, "list_files", path="-x; touch made").ok


def test_an_empty_repository_is_listed(box: Box) -> None:
    box.put_tree(tree({}))
    assert "is empty" in use(box, "list_files").text


def test_a_large_folder_is_cut(box: Box) -> None:
    box.run(["sh", "-c", "mkdir many; cd many; seq 1 5000 | xargs touch"], timeout=20)
    answer = use(box, "list_files", path="many")
    assert len(answer.text.splitlines()) < 210
    assert "list a narrower folder" in answer.text


def test_search_gives_path_line_and_text(box: Box) -> None:
    answer = use(box, "search_text", pattern=r"def \w+\(a")
    assert answer.text.splitlines()[1:-1] == ["calc.py:1:def add(a, b):", "calc.py:5:def double(a):"]
    only = use(box, "search_text", pattern="add", files="*.md")
    assert only.text.splitlines()[1:-1] == ["docs/notes.md:3:add adds."]
    assert "No line matches" in use(box, "search_text", pattern="zebra").text
    assert "calc.py:2" in use(box, "search_text", pattern=r"return\s+a", path="calc.py").text


def test_search_is_capped_and_asks_for_less(box: Box) -> None:
    box.write("many.txt", b"needle\n" * 500)
    box.write("wide.txt", b"needle" + b"z" * 10_000)
    answer = use(box, "search_text", pattern="needle")
    assert len(answer.text.splitlines()) == HITS + 3
    assert "narrow your query" in answer.text
    assert "[... " in use(box, "search_text", pattern="needle", files="wide.txt").text


@pytest.mark.parametrize(
    ("arguments", "said"), [({"pattern": "("}, "failed"), ({"pattern": "x", "path": "no"}, "No such")]
)
def test_a_search_that_cannot_be_done_says_why(box: Box, arguments: dict[str, str], said: str) -> None:
    answer = use(box, "search_text", **arguments)
    assert not answer.ok
    assert said in answer.text


def test_a_pattern_is_no_option(box: Box) -> None:
    box.write("flags.txt", b"--include here\n")
    assert "flags.txt:1" in use(box, "search_text", pattern="--include").text
