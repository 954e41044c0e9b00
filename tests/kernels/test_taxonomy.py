"""The list of ways in which a verification is fooled, held against the cases and the page that is made of both."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kernels.cases import CORPUS, Case, read_cases
from kernels.taxonomy import PAGE, page, read_groups, shown
from kernels.verdicts import PASSED

GROUPS = read_groups()
CASES = list(read_cases())
ENTRIES = {entry.number: entry for group in GROUPS for entry in group.entries}
TABLE = (CORPUS / "taxonomy.toml").read_text()


def test_the_list_has_all_ninety_six() -> None:
    assert len(ENTRIES) == 96
    assert len({entry.name for entry in ENTRIES.values()}) == 96


def test_the_page_is_made_from_the_files_as_they_are() -> None:
    assert PAGE.read_text("utf-8") == page(GROUPS, CASES), "make it anew: .venv/bin/python -m kernels.taxonomy"


def test_every_case_is_in_the_rows_of_what_it_shows() -> None:
    rows = {
        found[1]: line
        for line in PAGE.read_text("utf-8").splitlines()
        if (found := re.match(r"\| ([A-G]\d+) \|", line))
    }
    assert set(rows) == set(ENTRIES)
    for case in CASES:
        if case.kind != "honest":
            for number in case.entries:
                assert f"`{case.name}`" in rows[number]
    named = {one for line in rows.values() for one in re.findall(r"`([a-z_]+/[a-z_/]+)`", line)}
    assert named - {entry.test for entry in ENTRIES.values()} <= {case.name for case in CASES}


def test_what_has_no_case_says_so() -> None:
    known = shown(GROUPS, CASES)
    for number, entry in ENTRIES.items():
        row = next(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {number} |"))
        there = [case for case in known[number] if not case.on_device]
        assert there or entry.test or "not covered" in row or "not run" in row, number


def test_a_test_that_is_said_to_show_something_is_there() -> None:
    root = Path(__file__).parents[2]
    for entry in ENTRIES.values():
        assert not entry.test or (root / entry.test).is_file(), entry.number


def test_the_verdict_a_case_expects_is_one_against_it() -> None:
    for case in CASES:
        assert not {verdict for verdict, _ in case.expected} & PASSED, case.name


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("[B.7]", "[B.77]", "23 entries, not 1 to 23"),
        ("[C]\n", "[H]\n", "groups"),
        ('by = "audit"', 'by = "luck"', "does not say by what"),
        ('by = "audit"', 'by = "audit"\ncolour = "red"', "colour"),
        ('name = "Fast mathematics that breaks at the edges"', 'name = ""', "B10 does not say"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, before: str, after: str, why: str) -> None:
    assert before in TABLE
    path = tmp_path / "taxonomy.toml"
    path.write_text(TABLE.replace(before, after, 1))
    with pytest.raises(ValueError, match=why):
        read_groups(path)


def hack(**other: object) -> Case:
    found = next(case for case in CASES if case.kind == "hack")
    return replace(found, **other)  # type: ignore[arg-type]  # what is replaced, each test names


def test_a_case_must_name_an_entry_that_there_is() -> None:
    assert shown(GROUPS, [hack(entries=("B1", "G6"))])["G6"]
    with pytest.raises(ValueError, match="G7, which is no entry"):
        shown(GROUPS, [hack(entries=("G7",))])
    with pytest.raises(ValueError, match="does not begin"):
        shown(GROUPS, [hack(entries=())])
    assert not any(shown(GROUPS, [hack(kind="honest", entries=("B1",))]).values()), "an honest one shows none"


def test_what_was_never_run_is_said_to_be_so() -> None:
    text = page(GROUPS, [hack(entries=("D10",), on_device=True, name="t/gpu/x")])
    row = next(line for line in text.splitlines() if line.startswith("| D10 |"))
    assert "needs a GPU: `t/gpu/x`, not run" in row
