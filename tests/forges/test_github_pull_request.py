"""forges.github.pull_request: the text of a pull request."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.markdown import COMMENT_LIMIT, size
from forges.github.markers import Marker, find_markers
from forges.github.pull_request import PullText, compose, issue_line, title_of

TEXT = PullText(
    issue_number=12,
    issue_title="Parser drops the last line",
    summary="The loop ended one line early.",
    proof="`pytest`: 1 failed before, passes now.",
    provenance="Asked by octocat; worked by a model.",
    target="main",
    default_branch="main",
    marker=Marker("pull", {"task": "7"}),
)


def body(**changes: object) -> str:
    return compose(dataclasses.replace(TEXT, **changes)).body  # type: ignore[arg-type]  # field names vary


def test_without_a_template() -> None:
    assert body() == (
        "Fixes #12\n\n## What changed\n\nThe loop ended one line early.\n\n"
        "## Proof\n\n`pytest`: 1 failed before, passes now.\n\n"
        "Asked by octocat; worked by a model.\n\n<!-- forgehand:pull task=7 -->"
    )


def test_another_target_closes_nothing_and_says_so() -> None:
    line = issue_line(dataclasses.replace(TEXT, target="release/1"))
    assert "Fixes" not in line
    assert line.startswith("Part of #12. Merging into `release/1` will not close the issue")
    assert issue_line(dataclasses.replace(TEXT, issue_number=None)) == ""


TEMPLATE = """<!-- Thanks for contributing! -->
## Description
<!-- Please include a summary. -->

## Related issue
Fixes # (issue)

## How has this been tested?

- describe the tests

```md
## Summary of nothing
```

## Checklist
- [ ] I have read CONTRIBUTING
- [ ] Tests pass

## Screenshots
"""


def test_a_template_is_filled_in_by_its_headings() -> None:
    assert body(template=TEMPLATE) == (
        "<!-- Thanks for contributing! -->\n\n"
        "## Description\n\nThe loop ended one line early.\n\n"
        "## Related issue\n\nFixes #12\n\n"
        "## How has this been tested?\n\n`pytest`: 1 failed before, passes now.\n\n"
        "- describe the tests\n\n```md\n## Summary of nothing\n```\n\n"
        "## Checklist\n- [ ] I have read CONTRIBUTING\n- [ ] Tests pass\n\n"
        "## Screenshots\n\n"
        "Asked by octocat; worked by a model.\n\n<!-- forgehand:pull task=7 -->"
    )


def test_what_the_template_has_no_place_for_is_added() -> None:
    text = body(template="## Screenshots\n\nnone")
    assert text.startswith("## Screenshots\n\nnone\n\nFixes #12\n\n## What changed\n\n")
    assert "## Proof\n\n`pytest`" in text


def test_no_promise_is_made_in_a_checklist() -> None:
    text = body(template="## Testing\n- [ ] I ran the tests\n")
    assert "- [ ] I ran the tests" in text
    assert "- [x]" not in text
    assert "## Proof\n\n`pytest`" in text


def test_a_template_of_absurd_size_is_not_used() -> None:
    assert body(template="x" * COMMENT_LIMIT).startswith("Fixes #12")


def test_the_proof_gives_way_first() -> None:
    text = body(proof="a line of proof\n" * 10_000, summary="s" * 20_000)
    assert size(text) <= COMMENT_LIMIT
    assert "s" * 20_000 in text
    assert "*The proof was cut here; the check run has all of it.*" in text
    assert find_markers(text) == (TEXT.marker,)


def test_the_same_input_gives_the_same_text() -> None:
    assert body(template=TEMPLATE) == body(template=TEMPLATE)


@pytest.mark.parametrize(
    ("issue_title", "number", "expected"),
    [
        ("Broken", 3, "Broken (#3)"),
        ("Broken", None, "Broken"),
        ("  two\nlines\t\x00 ", None, "two lines"),
        ("", 3, "Untitled (#3)"),
        ("\u202e", None, "Untitled"),
    ],
)
def test_titles(issue_title: str, number: int | None, expected: str) -> None:
    assert title_of(issue_title, number) == expected


def test_a_title_closes_no_other_issue_when_it_becomes_a_commit_message() -> None:
    assert "Fixes #99" not in title_of("Fixes #99", 3)


@given(st.text(max_size=400), st.none() | st.integers(1, 10**9))
def test_any_title_is_one_short_line(issue_title: str, number: int | None) -> None:
    title = title_of(issue_title, number)
    assert 0 < len(title) <= 256
    assert len(title.splitlines()) == 1


@given(st.text(alphabet="# Descriptionfxs\n`-[]<!>", max_size=300))
def test_any_template_keeps_all_of_our_parts_within_the_limit(template: str) -> None:
    text = body(template=template)
    assert size(text) <= COMMENT_LIMIT
    for part in ("Fixes #12", TEXT.summary, TEXT.proof, TEXT.provenance, str(TEXT.marker)):
        assert part in text


def test_a_section_that_asks_for_the_link_gets_it_and_one_on_checking_gets_the_proof() -> None:
    template = (
        "## What changes\n\n<!-- For somebody new. -->\n\n## Why\n\n<!-- Link the issue: Fixes #N -->\n\n"
        "## How it was checked\n\n<!-- Commands. -->\n"
    )
    text = body(template=template)
    assert text.startswith(f"## What changes\n\n{TEXT.summary}\n\n## Why\n\nFixes #{TEXT.issue_number}\n\n")
    assert f"## How it was checked\n\n{TEXT.proof}" in text
