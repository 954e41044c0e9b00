"""The list of ways in which a verification is fooled, with what our corpus shows of each, as docs/kernel-corpus.md.

`kernels/corpus/taxonomy.toml` has the list in our own words; which cases show an entry, the cases say themselves.
`python -m kernels.taxonomy` writes the page anew; a test holds it against the files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from kernels.cases import CORPUS, Case, read_cases

PAGE = Path(__file__).parents[1] / "docs" / "kernel-corpus.md"
By = Literal["topology", "check", "finding", "audit"]
_COUNTS = {"A": 8, "B": 23, "C": 8, "D": 16, "E": 12, "F": 23, "G": 6}


@dataclass(frozen=True, slots=True)
class Entry:
    """`number`: such as B7. `how`: what we have against it, in a sentence. `test`: a file of ours that shows it beside
    the cases; `missing`: what is not covered."""

    number: str
    name: str
    by: By
    how: str
    test: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    letter: str
    title: str
    entries: Sequence[Entry]


def read_groups(path: Path = CORPUS / "taxonomy.toml") -> Sequence[Group]:
    """ValueError when an entry is missing, has a part that is none, or says nothing."""
    given: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
    if list(given) != list(_COUNTS):
        raise ValueError(f"{path} has the groups {', '.join(given)}")
    return [_group(letter, dict(part)) for letter, part in given.items()]


def _group(letter: str, part: dict[str, Any]) -> Group:
    title = str(part.pop("title"))
    if list(part) != [str(number) for number in range(1, _COUNTS[letter] + 1)]:
        raise ValueError(f"the group {letter} has {len(part)} entries, not 1 to {_COUNTS[letter]} in order")
    try:
        entries = [Entry(letter + number, **facts) for number, facts in part.items()]
    except TypeError as error:
        raise ValueError(f"the group {letter}: {error}") from None
    for one in entries:
        if one.by not in get_args(By) or not one.name or not one.how:
            raise ValueError(f"{one.number} does not say by what it is caught")
    return Group(letter, title, entries)


def shown(groups: Sequence[Group], cases: Sequence[Case]) -> Mapping[str, list[Case]]:
    """The cases of each entry. ValueError for a case that names none, or one that there is not."""
    found: dict[str, list[Case]] = {entry.number: [] for group in groups for entry in group.entries}
    for case in cases:
        if case.kind == "honest":
            continue
        if case.kind != "needs_gpu" and not case.entries:
            raise ValueError(f"{case.name} does not begin with the number of what it shows")
        for number in case.entries:
            if number not in found:
                raise ValueError(f"{case.name} shows {number}, which is no entry of the list")
            found[number].append(case)
    return found


def page(groups: Sequence[Group], cases: Sequence[Case]) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(groups, cases)) + "\n"


def _lines(groups: Sequence[Group], cases: Sequence[Case]) -> Iterator[str]:
    known = shown(groups, cases)
    run = [case for case in cases if not case.on_device]
    counts = {kind: sum(case.kind == kind for case in run) for kind in ("hack", "honest", "refused", "needs_gpu")}
    by_case = sum(any(not case.on_device for case in known[number]) for number in known)
    yield "# The kernel corpus: what each way of fooling a verification meets"
    yield ""
    yield (
        "Made by `.venv/bin/python -m kernels.taxonomy` from `kernels/corpus/`; a test holds it against the files. "
        "What each case is and does, its first line says."
    )
    yield ""
    yield (
        f"{len(known)} entries; {by_case} have a case that runs on a CPU. {counts['hack']} hacks, {counts['honest']} "
        f"honest look-alikes, {counts['refused']} worthless tasks and {counts['needs_gpu']} honest sources for a GPU, "
        f"on {len({case.task.name for case in run if case.kind == 'hack'})} tasks. "
        f"{len(cases) - len(run)} more cases say something only on a GPU: **they have never been run.**"
    )
    yield ""
    yield (
        "*topology*: what would be attacked is not where the candidate is. *check*: its numbers or times are wrong. "
        "*finding*: its process shows it, and a person is asked to look, or it is proof. *audit*: the task is refused."
    )
    for group in groups:
        yield ""
        yield f"## {group.letter}. {group.title}"
        yield ""
        yield "| | what | caught by | shown by |"
        yield "|---|---|---|---|"
        for entry in group.entries:
            yield f"| {entry.number} | {entry.name} | {entry.by}: {entry.how} | {_shown(entry, known[entry.number])} |"
    yield ""
    yield "## Honest look-alikes"
    yield ""
    yield "| case | what looks suspicious |"
    yield "|---|---|"
    for case in cases:
        if case.kind in ("honest", "needs_gpu"):
            yield f"| {case.name}{' (needs a GPU, not run)' if case.on_device else ''} | {case.claim} |"


def _shown(entry: Entry, cases: Sequence[Case]) -> str:
    parts = [f"`{case.name}`" for case in cases if not case.on_device]
    if entry.test:
        parts.append(f"in `{entry.test}`")
    there = [f"`{case.name}`" for case in cases if case.on_device]
    if there:
        parts.append(f"needs a GPU: {', '.join(there)}, not run")
    if entry.missing:
        parts.append(f"not covered: {entry.missing}")
    return "; ".join(parts) or "not covered"


if __name__ == "__main__":
    PAGE.write_text(page(read_groups(), list(read_cases())), "utf-8")
