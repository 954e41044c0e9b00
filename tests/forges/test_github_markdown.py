"""forges.github.markdown and forges.github.markers."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.markdown import (
    COMMENT_LIMIT,
    Command,
    base_option,
    find_command,
    fit,
    is_branch_name,
    mention_line,
    neutralise,
    prose,
    quote,
    size,
)
from forges.github.markers import Marker, find_markers, hops


@pytest.mark.parametrize(
    "text",
    [
        "@forgehand",
        "please @forgehand, look",
        "(@forgehand)",
        "**@forgehand**",
        "@ForgeHand fix this.",
        "ask @forgehand.",
        "@forgehand[bot] look",
        "cc @other @forgehand!",
        "> quoted\n@forgehand what do you think",
        "```\ncode\n```\n@forgehand",
        "~~~~\n```\n~~~\n~~~~\n@forgehand",
        "`code` @forgehand `code`",
        "an `unclosed span @forgehand",
        "``a ` b`` @forgehand",
        r"\`@forgehand\`",
        "- item\n  - @forgehand",
        "text\n    @forgehand in a continued paragraph",
        "<!-- hidden --> @forgehand",
        "line\r\n@forgehand\r\n",
    ],
)
def test_a_mention_in_prose(text: str) -> None:
    assert mention_line(text, "forgehand") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "forgehand",
        "@forgehands",
        "@forgehand-dev",
        "@forgehand_x",
        "@forgehand/team",
        "me@forgehand",
        "me@forgehand.com",
        "mail @forgehand.com",
        "@@forgehand",
        "/@forgehand",
        "a.@forgehand",
        "`@forgehand`",
        "`` a ` @forgehand ``",
        "`a\n@forgehand b`",
        "```\n@forgehand\n```",
        "```python title\n@forgehand",
        "~~~\n@forgehand\n```\n",
        "   ````\n```\n@forgehand\n````",
        "> @forgehand",
        "  > > @forgehand",
        "\n    @forgehand as indented code",
        "\t@forgehand",
        "<!-- @forgehand -->",
        "<!-- never closed @forgehand",
        "<!--\n@forgehand\n-->",
    ],
)
def test_not_a_mention(text: str) -> None:
    assert mention_line(text, "forgehand") is None


def test_a_slug_is_taken_literally_and_an_empty_one_matches_nothing() -> None:
    assert mention_line("@axb", "a.b") is None
    assert mention_line("@ hello", "") is None
    assert find_command("/ fix", "", "") is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/forgehand fix", Command("fix")),
        ("  /Forgehand   FIX  ", Command("fix")),
        ("Hello\n/forgehand retry\nthanks", Command("retry")),
        ("/forgehand fix base:release/1.2 please", Command("fix", "release/1.2")),
        ("/forgehand fix please base:main", Command("fix", "main")),
        ("/forgehand fix\n\n/forgehand stop", Command("stop")),
        ("/forgehand fix base:a\n/forgehand retry", Command("fix", "a")),
        ("@forgehand stop", Command("stop")),
        ("@forgehand, stop!", Command("stop")),
        ("@forgehand[bot]: retry.", Command("retry")),
        ("/forgehand stop\r\n", Command("stop")),
        ("please /forgehand fix", None),
        ("/forgehand", None),
        ("/forgehand fixes", None),
        ("/forgehand fix-it", None),
        ("/forgehandfix", None),
        ("/forgehand\nfix", None),
        ("@forgehand stop using tabs", None),
        ("`/forgehand stop`", None),
        ("```\n/forgehand stop\n```", None),
        ("> /forgehand stop", None),
        ("    /forgehand stop", None),
        ("<!-- x\n/forgehand stop\n-->", None),
    ],
)
def test_commands(text: str, command: Command | None) -> None:
    assert find_command(text, "forgehand", "forgehand") == command


def test_a_base_that_is_no_branch_is_told_to_the_asker() -> None:
    command = find_command("/forgehand fix base:--upload-pack=@evil", "forgehand", "forgehand")
    assert command is not None
    assert command.base is None
    assert command.problem is not None
    assert "does not name a branch" in command.problem
    assert "@evil" not in command.problem


def test_base_option_is_a_word_of_its_own() -> None:
    assert base_option("database:main") == (None, None)
    assert base_option("on base:dev/x now") == ("dev/x", None)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("main", True),
        ("release/1.2", True),
        ("dependabot/npm_and_yarn/@types/node-20", True),
        ("fix-#12", True),
        ("-x", False),
        ("a..b", False),
        ("a/", False),
        ("/a", False),
        ("a//b", False),
        ("a/.b", False),
        ("a.lock", False),
        ("a.lock/b", False),
        ("a.", False),
        ("@", False),
        ("HEAD", False),
        ("a@{1}", False),
        ("a b", False),
        ("a~1", False),
        ("a:b", False),
        ("", False),
        ("x" * 245, False),
        ("ünï", False),
    ],
)
def test_branch_names(name: str, good: bool) -> None:
    assert is_branch_name(name) is good


markdownish = st.text(alphabet="`~> \n\r\t@forgehand/-<!.ab\\", max_size=120)


@given(markdownish)
def test_prose_keeps_length_and_lines_and_only_blanks(text: str) -> None:
    result = prose(text)
    assert len(result) == len(text)
    assert all(new in (old, " ") for new, old in zip(result, text, strict=True))
    assert [place for place, c in enumerate(text) if c == "\n"] == [
        place for place, c in enumerate(result) if c == "\n"
    ]


@given(markdownish)
def test_nothing_in_a_fence_asks(text: str) -> None:
    inside = text.replace("`", "")
    assert mention_line(f"```\n{inside}\n@forgehand\n```", "forgehand") is None
    assert find_command(f"```\n{inside}\n/forgehand stop\n```", "forgehand", "forgehand") is None


@pytest.mark.parametrize(
    "hostile",
    [
        "`" * 65_536,
        "".join("`" * (n % 300 + 1) + " " for n in range(430)),
        "<!--" * 16_384,
        "\\" * 65_535 + "`",
        "\\`" * 32_768,
        ">" * 65_536,
        "@" * 65_536,
        " " * 65_536,
        "/forgehand fix" + " " * 65_000 + "x",
        "fix " * 16_384,
        "\n" * 65_536,
        "a`\n" * 20_000,
    ],
)
def test_a_comment_of_full_size_takes_no_time(hostile: str) -> None:
    """A quadratic scan of 65,536 characters takes minutes; the linear one here takes milliseconds."""
    start = time.process_time()
    mention_line(hostile, "forgehand")
    find_command(hostile, "forgehand", "forgehand")
    neutralise(hostile)
    find_markers(hostile)
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    "text",
    [
        "cc @octocat and @org/team",
        "fixes #12",
        "Closes: #3",
        "resolved octo/repo#4",
        "Fix https://github.com/o/r/issues/9",
        "closes GH-7",
        "see owner/repo#12 and #13, gh-14",
        "<!-- forgehand:status task=1 -->",
    ],
)
def test_neutralised_text_pings_links_closes_and_marks_nothing(text: str) -> None:
    safe = neutralise(text)
    assert safe.replace("\u200b", "") == text
    assert not re.search(r"@\w|#\d|GH-\d|<!--", safe, re.IGNORECASE)
    assert not re.search(r"\b(close[sd]?|fix(e[sd])?|resolve[sd]?):?\s+\S+[#/]", safe, re.IGNORECASE)
    assert find_markers(safe) == ()


def test_ordinary_words_stay_untouched() -> None:
    text = "This fixes the bug & closes the file; see a@ b, # heading"
    assert neutralise(text) == text


@given(st.text())
def test_neutralising_only_adds_zero_width_spaces_and_is_stable(text: str) -> None:
    safe = neutralise(text)
    assert safe.replace("\u200b", "") == text.replace("\u200b", "")
    assert neutralise(safe) == safe


def test_quote() -> None:
    assert quote("a\n\n@b") == "> a\n>\n> @\u200bb"


def test_a_text_that_fits_is_unchanged() -> None:
    assert fit("x" * COMMENT_LIMIT) == "x" * COMMENT_LIMIT


def test_a_cut_text_ends_at_a_line_and_closes_its_fence() -> None:
    text = "<!-- forgehand:status -->\n```text\n" + "a line of output\n" * 100
    cut = fit(text, 500, "(cut)")
    assert size(cut) <= 500
    assert cut.endswith("a line of output\n```\n(cut)")
    assert find_markers(cut)


def test_no_room_for_the_note_is_an_error() -> None:
    with pytest.raises(ValueError, match="no room"):
        fit("x" * 50, 20)


@given(st.text(alphabet="a😀\n`~", max_size=400), st.integers(80, 300))
def test_a_cut_text_never_passes_the_limit(text: str, limit: int) -> None:
    assert size(fit(text, limit)) <= limit


names = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True).filter(lambda name: "--" not in name)
fields = st.dictionaries(names, st.from_regex(r"[A-Za-z0-9._:/@+=~]{1,20}", fullmatch=True), max_size=4)


@given(names, fields, st.text(max_size=30))
def test_a_marker_is_found_again(kind: str, values: dict[str, str], around: str) -> None:
    marker = Marker(kind, values)
    assert marker in find_markers(f"{around}\n{marker}\n{around}")
    assert mention_line(str(marker), "forgehand") is None


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Status", {}),
        ("", {}),
        ("status", {"a": ""}),
        ("status", {"a": "x y"}),
        ("status", {"a": "-->"}),
        ("status", {"a": "x--y"}),
        ("status", {"A": "x"}),
        ("status", {f"f{n}": "x" for n in range(9)}),
    ],
)
def test_what_a_marker_cannot_carry_is_an_error(kind: str, values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a marker"):
        str(Marker(kind, values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing", 0),
        ("<!-- forgehand:status task=1 -->", 0),
        ("<!-- forgehand:status hop=2 -->\n<!-- forgehand:reply hop=1 -->", 2),
        ("<!-- forgehand:status hop=99999999999 -->", 9999),
        ("<!-- forgehand:status hop=minus -->", 9999),
        ("<!-- forgehand: hop=4 -->", 0),
    ],
)
def test_hops(text: str, expected: int) -> None:
    assert hops(text) == expected
