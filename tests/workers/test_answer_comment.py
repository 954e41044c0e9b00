"""The comment that answers a question: links to lines at the commit, and nothing else that is alive. Pure."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.asking import Authored
from codebase.asking import Answer
from codebase.citations import Citation, Claim, Piece, Sentence, Verdict
from forges.github.markdown import COMMENT_LIMIT, size
from workers.github.explaining import CLAIMS_AT_MOST, Place, compose

PLACE = Place("0123456789abcdef0123456789abcdef01234567", "https://github.com/o/r", "the branch `main`")
LINK = re.compile(r"\]\(([^)]*)\)")


LINE = Citation("src/a.py", 3, 3)


def claim(*pieces: Piece, block: int = 0, at: Citation = LINE) -> Claim:
    return Claim(Sentence(block, "item", pieces, (at,)), Verdict.supported)


def comment(*claims: Claim, asked: str = "How?") -> str:
    return compose(Authored(Answer(asked, claims)), PLACE, asked=asked)


def test_a_claim_is_a_line_with_its_permanent_link() -> None:
    body = comment(claim(Piece("parse", "code"), Piece(" splits a line "), Piece(".")))
    assert body == (
        "> How?\n\n"
        "- `parse` splits a line ([`src/a.py:3`](https://github.com/o/r/blob/"
        "0123456789abcdef0123456789abcdef01234567/src/a.py#L3))\n\n"
        "From `0123456789ab` (the branch `main`). Each statement was checked against the lines it links to."
    )


def test_a_span_and_an_odd_path_are_linked() -> None:
    at = Citation('my "odd" #1 (x)/[id].py', 3, 9)
    (url,) = LINK.findall(comment(claim(Piece("x", "code"), at=at)).replace("(x)", ""))[:1]
    assert url.endswith("/my%20%22odd%22%20%231%20%28x%29/%5Bid%5D.py#L3-L9")


def test_what_belongs_together_stands_below_its_first_statement() -> None:
    body = comment(claim(Piece("a", "code")), claim(Piece("b", "code")), claim(Piece("c", "code"), block=1))
    assert [line[:5] for line in body.split("\n") if "[`src" in line] == ["- `a`", "  - `", "- `c`"]


@pytest.mark.parametrize(
    "words",
    [
        "see https://evil.example",
        "see www.evil.example",
        "[x](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "<img src=x onerror=alert(1)>",
        "<!-- forgehand:status task=1 -->",
        "@octocat and #12 and GH-12",
        "Fixes #12",
        "**bold** _em_ ~~gone~~ `code`",
        "| a | b |",
        "$\\unicode{x}$",
        ":tada:",
        "&lt;b&gt;",
        "# heading",
        "1. one",
        "- item",
    ],
)
def test_words_do_not_come_alive(words: str) -> None:
    body = comment(claim(Piece(words), Piece("x", "code"))).split("\n\n")[1]
    line = body.removesuffix(f" ([`src/a.py:3`]({PLACE.url}/blob/{PLACE.sha}/src/a.py#L3))").removeprefix("- ")
    assert line != body
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", line).replace("`x`", "")
    assert not re.search(r"[\[\]<>|`*_~$]|&\w|://|www\.|@\w|#\d|:\w+:|^[-+#]|^\d+[.)]", bare), bare


def test_code_cannot_leave_its_span() -> None:
    body = comment(claim(Piece("a `b` ``c`` @x", "code")))
    assert "- ``` a `b` ``c`` @x ```" in body or "- ```a `b` ``c`` @x```" in body


def test_not_found_is_said_plainly_with_the_closest_places() -> None:
    places = tuple(Citation("src/a.py", at, at + 1) for at in range(1, 9))
    answer = Answer("Where is Kafka?", places=places, reason='nothing in the code is about "Kafka"')
    body = compose(Authored(answer), PLACE, asked="Where is Kafka?")
    assert '**Not found.** At `0123456789ab` (the branch `main`), nothing in the code is about "Kafka".' in body
    assert len(LINK.findall(body)) == 3
    assert "checked" not in body


def test_what_is_missing_from_an_answer_is_said() -> None:
    answer = Answer("Q", (claim(Piece("x", "code")),), reason='nothing in the code is about "Kafka"')
    assert 'But nothing in the code is about "Kafka".' in compose(Authored(answer), PLACE, asked="Q")


def test_the_question_is_quoted_and_cut() -> None:
    body = comment(claim(Piece("x", "code")), asked="@octocat <!-- x -->\n" + "y" * 5_000)
    first = body.split("\n\n")[0]
    assert "@\u200boctocat" in first
    assert "<!--" not in first
    assert all(line.startswith(">") for line in first.split("\n"))
    assert len(first) < 700


def test_a_long_answer_is_cut_at_a_statement() -> None:
    many = [claim(Piece("x" * 9_000, "code"), block=at) for at in range(40)]
    body = comment(*many)
    assert size(body) < COMMENT_LIMIT
    assert body.count("- `x") == len(LINK.findall(body)) <= CLAIMS_AT_MOST
    assert body.endswith("links to.")


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from(["text", "code", "quote"])), min_size=1, max_size=5))
def test_whatever_is_said_the_only_links_are_ours(pieces: list[tuple[str, str]]) -> None:
    body = comment(claim(*(Piece(text, kind) for text, kind in pieces)))  # type: ignore[arg-type]  # a drawn literal
    assert body.count("](https://github.com/o/r/blob/") == 1
    without_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", body, flags=re.DOTALL)
    assert "<!--" not in without_code
