"""An author's text taken apart: which words cite which places, and what is no plain prose."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codebase.citations import Citation, read_sentences
from codebase.citations.reading import LONGEST, parse_citations

ODD = ("my file.py", 'it\'s "odd", really.py', "app/[id]/page.tsx", "src/a,b.py", "Makefile")


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("It reads [src/a.py:12].", ["src/a.py:12"]),
        ("It reads [src/a.py:12-20].", ["src/a.py:12-20"]),
        ("It reads (src/a.py:12).", ["src/a.py:12"]),
        ("It reads `src/a.py:12`.", ["src/a.py:12"]),
        ("It reads [`src/a.py:12`].", ["src/a.py:12"]),
        ("It reads src/a.py:12.", ["src/a.py:12"]),
        ("It reads, see src/a.py:12-14", ["src/a.py:12-14"]),
        ("It reads [src/a.py:1, src/b.py:2; c.py:3-4].", ["src/a.py:1", "src/b.py:2", "c.py:3-4"]),
        ("It reads [src/a.py:1][src/b.py:2].", ["src/a.py:1", "src/b.py:2"]),
        ("It reads [src/a.py:1] (src/b.py:2).", ["src/a.py:1", "src/b.py:2"]),
        ("It reads [src/a.py#L12-L20].", ["src/a.py:12-20"]),
        ("It reads [src/a.py:12@0123456].", ["src/a.py:12"]),
        ("It reads [my file.py:3].", ["my file.py:3"]),
        ('It reads "my file.py":3.', ["my file.py:3"]),
        ("It reads `my file.py:3`.", ["my file.py:3"]),
        ('It reads [it\'s "odd", really.py:3].', ['it\'s "odd", really.py:3']),
        ("It reads [app/[id]/page.tsx:1].", ["app/[id]/page.tsx:1"]),
        ("It reads app/[id]/page.tsx:1.", ["app/[id]/page.tsx:1"]),
        ("It reads [src/a,b.py:1, my file.py:2].", ["src/a,b.py:1", "my file.py:2"]),
        ("It runs [Makefile:2].", ["Makefile:2"]),
        ("It reads. [src/a.py:12]", ["src/a.py:12"]),
        ("It reads. (src/a.py:12).", ["src/a.py:12"]),
        ("It reads [unknown file.py:3].", ["unknown file.py:3"]),
        ("It reads one\nline after another\n[src/a.py:12].", ["src/a.py:12"]),
    ],
)
def test_places_are_cited_in_many_ways(text: str, cited: list[str]) -> None:
    (sentence,) = read_sentences(text, ODD)
    assert [str(one) for one in sentence.citations] == cited
    assert not sentence.trouble
    assert not sentence.words_after


@pytest.mark.parametrize(
    "text",
    [
        "It listens on 127.0.0.1:8080.",
        "It listens on localhost:8080.",
        "It starts at 10:30.",
        "It reads src/a.py:12:5.",
        "It reads src/a.py:twelve.",
        "It reads src/a.py.",
        "It reads x/src/a.py:1x.",
        "It maps std::vector:3.",
    ],
)
def test_what_is_no_citation_stays_words(text: str) -> None:
    (sentence,) = read_sentences(text, ODD)
    assert sentence.citations == ()


def test_a_commit_is_part_of_a_citation() -> None:
    assert parse_citations("src/a.py:1-2@0123456789ab") == (Citation("src/a.py", 1, 2, "0123456789ab"),)


@pytest.mark.parametrize("text", ["", "src/a.py", "src/a.py:1 and more", "see line 1", "src/a.py:1,", "12"])
def test_what_holds_more_than_citations_is_none(text: str) -> None:
    assert parse_citations(text) is None


def test_every_sentence_has_its_own_citations() -> None:
    found = read_sentences("It opens [a.py:1]. It reads e.g. lines; it waits. It closes. [a.py:2]")
    assert [(one.text, [str(place) for place in one.citations]) for one in found] == [
        ("It opens.", ["a.py:1"]),
        ("It reads e.g. lines;", []),
        ("it waits.", []),
        ("It closes.", ["a.py:2"]),
    ]


def test_a_full_stop_within_code_ends_nothing() -> None:
    found = read_sentences("`self.x = y. Z` is set by a.b [a.py:1].")
    assert [one.text for one in found] == ["`self.x = y. Z` is set by a.b."]


def test_blocks_are_told_apart() -> None:
    text = "# Title\nFirst\nline.\n\n- one\n  more\n- two\n\n1. three\n\n***\nLast."
    found = read_sentences(text)
    assert [(one.kind, one.text) for one in found] == [
        ("heading", "Title"),
        ("paragraph", "First line."),
        ("item", "one more"),
        ("item", "two"),
        ("item", "three"),
        ("paragraph", "Last."),
    ]
    assert len({one.block for one in found}) == 6


@pytest.mark.parametrize(
    "text",
    [
        "```\nIt reads [a.py:1].\n```",
        "~~~python\nIt reads [a.py:1].",
        "````\n```\nIt reads [a.py:1].\n````",
        "    It reads [a.py:1].",
        "| It reads | [a.py:1] |",
        "> It reads [a.py:1].",
        "It reads [a.py:1](https://example.org).",
        "[a.py:1]: https://example.org",
        "It reads ![a.py:1](x.png).",
        "It reads https://example.org/a.py:1.",
        "It reads <b>all</b> [a.py:1].",
        "It reads <!-- hidden [a.py:1].",
        "It reads &lt;all&gt; [a.py:1].",
        r"It reads \[a.py:1\].",
        "It reads [^1].",
        "It reads [all of it] [a.py:1].",
        "It reads [a.py:1",
        "It reads `a.py:1",
        'It reads "a.py:1',
        "It reads javascript:alert [a.py:1].",
    ],
)
def test_what_is_no_plain_prose_is_trouble(text: str) -> None:
    assert any(one.trouble for one in read_sentences(text))


def test_words_after_the_last_citation_are_noticed() -> None:
    (sentence,) = read_sentences("It reads [a.py:1] and burns.")
    assert sentence.words_after
    (sentence,) = read_sentences("It reads [a.py:1] and burns [a.py:2].")
    assert not sentence.words_after


WORD = st.sampled_from(
    ["It", "reads", "`x`", "[a.py:1]", "(b.py:2-3)", "a.py:4.", "done.", "\n", "\n\n", "- ", "# ", "`", "[", "]", "(",
     '"', "'", "```\n", "<b>", "&amp;", "\\", "|", ">", "http://x", "[x](y)", "e.g.", "\u202e", "é", "1.", ";"]
)  # fmt: skip


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(WORD, max_size=30).map(" ".join) | st.text(max_size=300))
@example("`" * 7 + " x " + "`" * 6)
def test_any_text_is_read_and_cites_only_what_it_says(text: str) -> None:
    for sentence in read_sentences(text, ODD):
        for citation in sentence.citations:
            assert citation.path in text
            assert str(citation.start_line) in text


@pytest.mark.parametrize(
    "part", ["`", "` ", "(", "[", "[a.py:1] ", "'", '" ', "!", "a.py:1 ", "<", "&", "#", "x" * 50, "a,", ">\n", "``` "]
)
def test_a_hostile_text_takes_bounded_time(part: str) -> None:
    began = time.monotonic()
    read_sentences(part * (LONGEST // len(part)), ODD)
    assert time.monotonic() - began < 10
