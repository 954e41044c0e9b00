"""What an issue says, and what only its template, its machine and its links say."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index.report import Frame, read_report
from codebase.index.words import whole


def test_a_title_counts_more_and_repetition_only_so_far() -> None:
    report = read_report("Socket leaks\n\n" + "socket " * 50 + "closing")
    assert report.terms[whole("socket")] == 6
    assert report.terms[whole("close")] == 1


@pytest.mark.parametrize(
    "noise",
    [
        "<!-- Please describe widgets -->",
        "https://example.org/widgets/1",
        "### Environment\nwidgets and gadgets\n",
        "widgets==1.2.3",
        "widgets 1.2.3",
        "## Versions\n<details>\nwidgets: 0.18.2\n</details>",
    ],
)
def test_what_says_nothing_about_the_place_is_left_out(noise: str) -> None:
    report = read_report(f"It breaks\n\n{noise}\n\n### What happens\nIt explodes.\n")
    assert whole("widget") not in report.terms
    assert whole("explod") in report.terms


def test_a_version_list_in_code_is_code() -> None:
    report = read_report("It breaks\n```\n## Environment\nwidgets = frobnicate\n```\n")
    assert whole("frobnic") in report.terms


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('  File "/venv/lib/pkg/mod.py", line 12, in go', Frame("/venv/lib/pkg/mod.py", 12, "go")),
        ("src/pkg/mod.py:34: in test_it", Frame("src/pkg/mod.py", 34, "test_it")),
        ("src/pkg/mod.py:35: ValueError", Frame("src/pkg/mod.py", 35, "")),
        ("    at Server.listen (/app/lib/server.js:10:5)", Frame("/app/lib/server.js", 10, "Server.listen")),
        ("    at /app/lib/server.ts:11:5", Frame("/app/lib/server.ts", 11, "")),
        ("\t/go/src/pkg/a.go:7 +0x1", Frame("/go/src/pkg/a.go", 7, "")),
    ],
)  # fmt: skip
def test_frames_of_tracebacks(text: str, frame: Frame) -> None:
    assert read_report(f"It breaks\n\n{text}\n").frames == (frame,)


def test_pointers() -> None:
    report = read_report(
        "`Session.close` is wrong\n\nSee pkg/core/session.py and pkg.core.session.Session.close(), or `_teardown`.\n"
        "https://github.com/octo/spoon/blob/main/pkg/util.py#L10-L12\n"
    )
    assert "pkg/core/session.py" in report.paths
    assert "pkg.core.session.Session.close" in report.dotted
    assert report.lines == (Frame("pkg/util.py", 10),)
    assert report.named["_teardown"] == 1.0
    assert report.named["Session"] == 2.0


@given(st.text(max_size=2000))
def test_any_text_is_a_report(text: str) -> None:
    report = read_report(text)
    assert all(weight > 0 for weight in report.terms.values())


@pytest.mark.parametrize("piece", ["a.", "/", "`", "at (", "x_", "<!--", "#\n", "a/", "a::", "1.", 'File "'])
def test_no_text_takes_long(piece: str) -> None:
    began = time.monotonic()
    read_report("title\n" + piece * (100_000 // len(piece)))
    assert time.monotonic() - began < 5
