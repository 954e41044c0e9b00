"""Where an edit's old text is found, and what is said when it is not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.tools.matching import NoMatch, nearest, replace

SOURCE = "def f(a):\n    if a:\n        return 1\n    return 2\n\n\ndef g():\n\treturn 3\n"

FOUND = [
    ("exact", SOURCE, "return 1", "return 10", SOURCE.replace("return 1", "return 10"), "exact"),
    ("exact, no newline at the end", "a\nb", "b", "c", "a\nc", "exact"),
    ("deleting", "a\nb\nc\n", "b\n", "", "a\nc\n", "exact"),
    ("trailing space in the file", "a  \nb\t\nc\n", "a\nb\n", "x\n", "x\nc\n", "trailing space"),
    ("trailing space in the old text", "a\nb\nc\n", "a   \nb\n", "x\n", "x\nc\n", "trailing space"),
    (
        "too little indentation",
        SOURCE,
        "if a:\n    return 1\n",
        "if not a:\n    return 0\n",
        SOURCE.replace("if a:\n        return 1", "if not a:\n        return 0"),
        "indentation",
    ),
    (
        "too much indentation",
        "if a:\n    b()\n",
        "        if a:\n            b()\n",
        "        if a:\n            c()\n",
        "if a:\n    c()\n",
        "indentation",
    ),
    ("blank lines at the ends", "a \nb\nc\n", "\na\nb\n\n", "\nx\n\n", "x\nc\n", "trailing space"),
    ("blank line inside keeps its place", "  a\n\n  b\n", "a\n\nb\n", "a\n\nc\n", "  a\n\n  c\n", "indentation"),
    ("windows line ends", "a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\n", "x\r\ny\r\nc\r\n", "exact"),
    ("a form feed is no line end", "a\x0cb\nc \nd\n", "c\nd\n", "e\n", "a\x0cb\ne\n", "trailing space"),
    ("the last line without end", "a\nb ", "a\nb\n", "c\n", "c", "trailing space"),
]


@pytest.mark.parametrize(("name", "source", "old", "new", "text", "rung"), FOUND)
def test_the_old_text_is_found(name: str, source: str, old: str, new: str, text: str, rung: str) -> None:
    result = replace(source, old, new)
    assert (result.text, result.rung) == (text, rung)


MISSING = [
    ("several places", "x = 1\ny = 2\nx = 1\n", "x = 1", "x = 3", "stands 2 times (from lines 1, 3)"),
    ("several places, by indentation", "  a\nb\n    a\n", " a\n", " c\n", "stands 2 times"),
    ("several places, by trailing space", "a \nb\na  \n", "a\t\n", "c\n", "matches at lines 1, 3"),
    ("applied already", SOURCE, "return 0", "return 1", "seems to be applied"),
    ("nearest lines", SOURCE, "    if a:\n        return one\n", "x", "    2      if a:\n    3          return 1"),
    ("nothing like it", SOURCE, "class Zebra(Animal):", "x", "nothing like it"),
    ("empty old text", SOURCE, "", "x", "is empty"),
    ("nothing changes", SOURCE, "return 1", "return 1", "nothing would change"),
    ("uneven indentation", "if a:\n    b()\n    c()\n", "if a:\n  b()\n      c()\n", "x", "nearest lines"),
    ("tabs are not spaces", "if a:\n\tb()\n\tc()\n", "if a:\n    b()\n    c()\n", "x", "nearest lines"),
    ("only blank lines", "a\n", "\n\n \n", "x", "nothing like it"),
]


@pytest.mark.parametrize(("name", "source", "old", "new", "said"), MISSING)
def test_what_is_said_when_there_is_no_single_place(name: str, source: str, old: str, new: str, said: str) -> None:
    with pytest.raises(NoMatch) as caught:
        replace(source, old, new)
    assert said in str(caught.value)


def test_everywhere_replaces_all_exact_places() -> None:
    assert replace("x x\nx\n", "x", "y", everywhere=True).text == "y y\ny\n"


def test_the_nearest_lines_are_chosen_by_likeness_among_equal_counts() -> None:
    lines = ["def a():", "    return 1", "def b():", "    return 2"]
    first, shown = nearest(lines, ["def b():", "    return  two"]) or (0, [])
    assert "def b():" in shown
    assert first == 1


line = st.text(alphabet="abc(): \t", max_size=8)
sources = st.lists(line, min_size=1, max_size=12).map(lambda lines: "\n".join(lines) + "\n")


@given(sources, st.data())
def test_a_unique_text_is_replaced_exactly_as_python_would(source: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(source) - 1))
    end = data.draw(st.integers(start + 1, len(source)))
    old, new = source[start:end], data.draw(st.text(alphabet="abcxyz\n", max_size=8))
    assume(old != new and source.find(old) == source.rfind(old))
    assert replace(source, old, new).text == source[:start] + new + source[end:]


words = st.text(alphabet="abcdef", min_size=1, max_size=4)
blocks = st.lists(st.tuples(st.integers(0, 3), words), min_size=1, max_size=5)


@given(st.lists(words, max_size=4), blocks, st.lists(words, max_size=4), blocks, st.integers(0, 2), st.data())
def test_a_block_copied_with_other_indentation_is_replaced_with_the_files_own(
    before: list[str],
    old: list[tuple[int, str]],
    after: list[str],
    new: list[tuple[int, str]],
    depth: int,
    data: st.DataObject,
) -> None:
    """The reference answer is the replacement with the block indented as in the file."""

    def drawn(lines: list[tuple[int, str]], extra: int) -> list[str]:
        return ["    " * (indent + extra) + word for indent, word in lines]

    in_file = drawn(old, depth)
    tail = data.draw(st.lists(st.sampled_from(["", " ", "\t"]), min_size=len(old), max_size=len(old)))
    noisy = [text + space for text, space in zip(in_file, tail, strict=True)]
    source = "\n".join([*before, *noisy, *after]) + "\n"
    stripped = [text.strip() for text in source.split("\n")]
    wanted = [word for _, word in old]
    places = sum(stripped[at : at + len(wanted)] == wanted for at in range(len(stripped)))
    given_old, given_new = "\n".join(drawn(old, 0)) + "\n", "\n".join(drawn(new, 0)) + "\n"
    assume(places == 1 and given_old != given_new and given_old not in source)
    expected = "\n".join([*before, *drawn(new, depth), *after]) + "\n"
    assert replace(source, given_old, given_new).text == expected


@given(sources, st.text(alphabet="abc(): \t\n", max_size=20), st.text(alphabet="abc\n", max_size=6))
def test_any_edit_is_done_or_refused_with_a_reason(source: str, old: str, new: str) -> None:
    try:
        outcome = replace(source, old, new).text
    except NoMatch as error:
        outcome = str(error)
    assert outcome not in ("", source) or new == ""
