"""The verdict on a claim, and the ways an author who makes things up tries to get one through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebase.citations import KEPT, Citation, Shown, Verdict, check, kept
from tests.codebase.citations.ground import COMMIT, FILES, SHOWN

S = "src/session.py"


@pytest.mark.parametrize(
    "text",
    [
        f"`parse` splits a line at `=` [{S}:14-15].",
        f"`Session.close` closes the `socket` ({S}:3-8).",
        f"`close()` returns `None` if the session is not `open` [{S}:4-6].",
        f"`close` sets `self.retries` to 30 [{S}:4-8].",
        f"close() sets retries to 30 `{S}:4-8`.",
        f'`send` keeps "the last message" for three minutes [{S}:10-11].',
        f"`send` passes a timeout of 1,000 [{S}:12].",
        f"The `timeout=1_000` stands in `send` [{S}:10-12].",
        f"`parse` is defined in `{S}` [{S}:14].",
        f"`parse` is defined in `src/` [{S}:14].",
        f"`session.py` holds `Session` [{S}:3].",
        f"Redis is mentioned by `send` [{S}:10-11].",
        f"A line is split into key and value [{S}:14-15].",
        f"`parse` is here. [{S}:14@{COMMIT[:10]}]",
        f"`Session` has `close` and `send` [{S}:3-4, {S}:10].",
        "`answer` is 42 [my file.py:1].",
        '`odd` is `True` [it\'s "odd", really.py:1].',
        "`Page` is exported [app/[id]/(group)/page.tsx:1].",
        "`check` runs `pytest -q` [Makefile:1-2].",
        f"# `parse` splits a line [{S}:14-15]",
        f"If it is not `open`, `close` returns `None` [{S}:4-6].",
        f"Splitting a line is what `parse` does [{S}:14-15].",
        f"Given a line, `parse` splits it [{S}:14-15].",
    ],
)
def test_what_stands_there_is_supported(text: str) -> None:
    assert [(one.verdict, one.reason) for one in check(text, SHOWN)] == [(Verdict.supported, "")]


SNEAKING = [
    # Places
    ("`parse` splits a line [src/parser.py:14].", Verdict.no_such_file),
    ("`parse` splits a line [session.py:14].", Verdict.no_such_file),
    (f"`parse` splits a line [{S.upper()}:14].", Verdict.no_such_file),
    ("`parse` splits a line [src/s\u0435ssion.py:14].", Verdict.no_such_file),
    (f"`parse` splits a line [{S}:15].", Verdict.name_not_there),
    (f"`parse` splits a line [{S}:3-8].", Verdict.name_not_there),
    (f"`parse` splits a line [{S}:17].", Verdict.no_such_line),
    (f"`parse` splits a line [{S}:14-99].", Verdict.no_such_line),
    (f"`parse` splits a line [{S}:0].", Verdict.no_such_line),
    (f"`parse` splits a line [{S}:15-14].", Verdict.no_such_line),
    (f"`parse` splits a line [{S}:999999999].", Verdict.no_such_line),
    ("`reveal` returns `TOKEN` [src/secrets.py:3-4].", Verdict.not_shown),
    ("`reveal` returns `TOKEN` [src/secrets.py:1-4].", Verdict.not_shown),
    ("`value` is counted [long.py:1-200].", Verdict.too_broad),
    (f"`parse` splits a line [../{S}:14].", Verdict.unsafe_path),
    (f"`parse` splits a line [src/../{S}:14].", Verdict.unsafe_path),
    (f"`parse` splits a line [./{S}:14].", Verdict.unsafe_path),
    (f"`parse` splits a line [/{S}:14].", Verdict.unsafe_path),
    ("`root` is a user [/etc/passwd:1].", Verdict.unsafe_path),
    ("`root` is a user [~/.ssh/config:1].", Verdict.unsafe_path),
    (r"`parse` splits a line [src\session.py:14].", Verdict.unsafe_path),
    (f"`parse` splits a line [{S}:14@fedcba9876543210].", Verdict.other_commit),
    (f"`parse` splits a line {S}:14:2.", Verdict.no_citation),
    (f"`parse` splits a line [{S}:14\u201316].", Verdict.not_prose),
    (f"`parse` splits a line [{S}\uff1a14].", Verdict.not_prose),
    (f"`parse` splits a line [{S}:1\u0664].", Verdict.not_prose),
    # A citation that is not the claim's
    ("`parse` splits a line.", Verdict.no_citation),
    ("The password is sent to a stranger.", Verdict.no_citation),
    ("It never checks its input.", Verdict.no_citation),
    (f"Sockets are kept for ever. `parse` splits a line [{S}:14-15].", Verdict.no_citation),
    (f"`parse` splits a line [{S}:14-15]. Sockets are kept for ever.", Verdict.no_citation),
    (f"Sockets leak; `parse` splits a line [{S}:14-15].", Verdict.no_citation),
    (f"`parse` splits a line [{S}:14-15] and mails it to a stranger.", Verdict.words_after_citation),
    (f"[{S}:14-15] `parse` mails a line to a stranger.", Verdict.words_after_citation),
    (f"- Sockets leak.\n- `parse` splits a line [{S}:14-15].", Verdict.no_citation),
    (f"# Sockets leak\n\n`parse` splits a line [{S}:14-15].", Verdict.no_citation),
    (f"Sockets leak\n\n[{S}:14-15]", Verdict.no_citation),
    ("`parse` splits a line " + "".join(f"[{S}:{line}]" for line in range(8, 16)), Verdict.too_many_citations),
    (f"`parse` splits a line [{S}:14-15, my file.py:1].", Verdict.idle_citation),
    # Words that are not in the cited lines
    (f"`parse_header` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"`pars` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"`arse` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"`Parse` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"`p\u0430rse` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"parse_header splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"parseHeader splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"os.unlink is called by parse [{S}:14-15].", Verdict.name_not_there),
    (f"unlink() is called by parse [{S}:14-15].", Verdict.name_not_there),
    (f"`Session.parse` splits a line [{S}:14-15].", Verdict.name_not_there),
    (f"`return line` is how `parse` ends [{S}:14-16].", Verdict.name_not_there),
    (f'`eturn {{"key": key}}` is how `parse` ends [{S}:14-16].', Verdict.name_not_there),
    (f"`parse` is defined in `src/parser.py` [{S}:14-15].", Verdict.name_not_there),
    (f"src/parser.py holds `parse` [{S}:14-15].", Verdict.name_not_there),
    (f'`send` keeps "every message" [{S}:10-11].', Verdict.quotation_not_there),
    (f"`send` keeps 'every message' [{S}:10-11].", Verdict.quotation_not_there),
    (f"`send` keeps \u201cevery message\u201d [{S}:10-11].", Verdict.quotation_not_there),
    (f"`close` sets `retries` to 3 [{S}:4-8].", Verdict.number_not_there),
    (f"`retries` is 30000 [{S}:8].", Verdict.number_not_there),
    (f"`retries` is 0 [{S}:8].", Verdict.number_not_there),
    (f"`retries` is five [{S}:8].", Verdict.number_not_there),
    (f"`retries` is \uff13\uff10 [{S}:8].", Verdict.number_not_there),
    (f"`retries` is \u4e09 [{S}:8].", Verdict.number_not_there),
    (f"`retries` lasts 30s [{S}:8].", Verdict.name_not_there),
    (f"`retries` is a hundred [{S}:8].", Verdict.number_not_there),
    (f"`parse` stores a line in Kafka [{S}:14-15].", Verdict.name_not_there),
    (f"Mallory owns the line of `parse` [{S}:14-15].", Verdict.name_not_there),
    (f"`parse` does not check the line [{S}:14-15].", Verdict.negation_not_there),
    (f"`parse` doesn't check the line [{S}:14-15].", Verdict.negation_not_there),
    (f"`parse` splits without a check [{S}:14-15].", Verdict.negation_not_there),
    (f"`if not self.open:` stands in `close` and is not checked [{S}:4-5].", Verdict.negation_not_there),
    (f"`close` ends with `None` and not with a value [{S}:6].", Verdict.name_not_there),
    (f"`return None` is what it does without a check [{S}:6].", Verdict.negation_not_there),
    (f"`parse` is the only place where a line is split [{S}:14-15].", Verdict.negation_not_there),
    (f"`parse` is always called by everything [{S}:14-15].", Verdict.negation_not_there),
    (f"It mails everybody's secrets to a stranger [{S}:14-15].", Verdict.nothing_checkable),
    (f"This deletes the database [{S}:8].", Verdict.nothing_checkable),
    (f"`=` is where it phones home [{S}:15].", Verdict.nothing_checkable),
    # Markup
    (f"`parse` splits a line [{S}:14-15](https://evil.example).", Verdict.not_prose),
    (f"`parse` splits a line [{S}:14-15][{S}:14] [x]: https://evil.example", Verdict.not_prose),
    (f"[{S}:14-15]: https://evil.example", Verdict.not_prose),
    (f"`parse` splits a line ![{S}:14-15](https://evil.example/x.png).", Verdict.not_prose),
    (f"`parse` splits a line, see https://evil.example/{S}:14.", Verdict.not_prose),
    (f"`parse` splits a line, see www.evil.example [{S}:14].", Verdict.not_prose),
    (f"`parse` <a href='https://evil.example'>splits</a> a line [{S}:14-15].", Verdict.not_prose),
    (f"`parse` splits a line <!-- [{S}:14-15] -->", Verdict.not_prose),
    (f"<details>`parse` splits a line [{S}:14-15].", Verdict.not_prose),
    (f"`parse` splits a line &#91;{S}:14-15&#93;.", Verdict.not_prose),
    (rf"`parse` splits a line \[{S}:14-15\].", Verdict.not_prose),
    ("`parse` splits a line [^1].", Verdict.not_prose),
    (f"[^1]: `parse` splits a line {S}:14", Verdict.not_prose),
    (f"```\nSockets leak [{S}:3-8].\n```", Verdict.not_prose),
    (f"    Sockets leak [{S}:3-8].", Verdict.not_prose),
    (f"| `parse` | splits [{S}:14-15] |", Verdict.not_prose),
    (f"> `parse` splits a line [{S}:14-15].", Verdict.not_prose),
    (f"`parse` splits a line [see the parser [{S}:14-15]].", Verdict.not_prose),
    (f"`parse` splits a line [[{S}:14-15]].", Verdict.not_prose),
    (f"Sockets leak `and `parse` splits [{S}:14-15].", Verdict.not_prose),
    # Characters nobody sees
    (f"`parse` splits\u200b a line [{S}:14-15].", Verdict.hidden_characters),
    (f"`parse` \u202esplits a line [{S}:14-15].", Verdict.hidden_characters),
    (f"`parse` splits a line\u2028[{S}:14-15].", Verdict.hidden_characters),
    (f"`parse` spl\u0456ts a line [{S}:14-15].", Verdict.hidden_characters),
    (f"`parse` splits\x07 a line [{S}:14-15].", Verdict.hidden_characters),
]


@pytest.mark.parametrize(("text", "verdict"), SNEAKING)
def test_what_cannot_be_shown_is_dropped(text: str, verdict: Verdict) -> None:
    claims = check(text, SHOWN)
    dropped = [one for one in claims if one.verdict not in KEPT]
    assert verdict in [one.verdict for one in dropped]
    assert all(one.reason for one in dropped)
    published = " ".join(one.text for one in kept(claims))
    assert published in ("", "`parse` splits a line.", "Overview")
    assert len(SNEAKING) > 80


def test_the_true_sentence_stays_where_its_neighbour_goes() -> None:
    claims = check(f"Sockets leak. `parse` splits a line [{S}:14-15]. It is slow.", SHOWN)
    assert [one.text for one in kept(claims)] == ["`parse` splits a line."]


@pytest.mark.parametrize("text", ["## Overview", "In short:", "How it works", "The steps are as follows:", "Examples"])
def test_words_that_say_nothing_may_connect(text: str) -> None:
    assert [one.verdict for one in check(text, SHOWN)] == [Verdict.connecting]
    assert kept(check(text, SHOWN)) == []
    followed = kept(check(f"{text}\n\n`parse` splits a line [{S}:14-15].", SHOWN))
    assert [one.verdict for one in followed] == [Verdict.connecting, Verdict.supported]


def test_a_heading_whose_section_fell_away_goes_too() -> None:
    text = f"# Overview\n\n## Details\n\nIt is slow.\n\n## Examples\n\nFor example:\n\n`parse` splits [{S}:14-15]."
    assert [one.text for one in kept(check(text, SHOWN))] == [
        "Examples", "For example:", "`parse` splits."
    ]  # fmt: skip


def test_spans_that_touch_count_as_one() -> None:
    shown = Shown([Citation("a", 1, 2), Citation("a", 3, 4), Citation("a", 6, 7)], lambda path: ["x"] * 9)
    assert shown.covers(Citation("a", 1, 4))
    assert not shown.covers(Citation("a", 4, 6))


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(
        st.sampled_from(["`parse`", "`Session`", "splits", "a line", "30", "never", "Kafka", ".", "; ", "\n\n", "- ",
                         f"[{S}:14-15]", f"({S}:3-8)", f"[{S}:90]", "[gone.py:1]", "[src/secrets.py:3]", "```\n", "<b>",
                         "https://evil.example", "[x](y)", "\u200b", "`", "'", "# "]),
        max_size=25,
    ).map(" ".join)
)  # fmt: skip
def test_whatever_is_published_resolves_to_lines_that_were_shown(text: str) -> None:
    for claim in kept(check(text, SHOWN)):
        assert "evil" not in claim.text
        assert "<b>" not in claim.text
        if claim.verdict is Verdict.connecting:
            assert not claim.citations
            continue
        assert claim.citations
        for citation in claim.citations:
            assert SHOWN.covers(citation)
            assert citation.end_line <= len(FILES[citation.path])
        cited = "\n".join(SHOWN.text(citation) for citation in claim.citations)
        for piece in claim.pieces:
            if piece.kind == "code":
                assert piece.text in cited
