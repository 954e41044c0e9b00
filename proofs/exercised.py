"""Which of the head's results are of tests that exercise the changed code. Evidence for people, never for the verdict.

Which tests exercise what is told by whoever asks for the proof, from the code alone; results say what ran. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from proofs.results import Status, count

MOST_FILES = 50
MOST_TESTS = 20
_NUMBER = re.compile(r"\d+: ")


@dataclass(frozen=True, slots=True)
class Exercised:
    """`path`: a changed file. `tests`: the test files that exercise it as far as can be read, the likeliest first; none
    where nothing says that any does. `counts`: their tests on head by status; empty where no result is named so that
    it could be theirs."""

    path: str
    tests: tuple[str, ...]
    counts: Mapping[str, int]


def exercised(exercising: Mapping[str, Sequence[str]], head: Mapping[str, Status]) -> tuple[Exercised, ...]:
    """For at most 50 changed files their test files, 20 at most, with the results that `head` has of these."""
    found = []
    for path, tests in list(exercising.items())[:MOST_FILES]:
        named = tuple(tests[:MOST_TESTS])
        theirs = {name: status for name, status in head.items() if any(is_of(name, test) for test in named)}
        found.append(Exercised(path, named, {one: many for one, many in count(theirs).items() if many}))
    return tuple(found)


def is_of(name: str, path: str) -> bool:
    """Whether a result's name says that its test stands in the file `path`.

    By the file's path (pytest, Jest, Vitest, Cargo), by its dotted module, from whatever folder on (JUnit, unittest),
    and in Go by the package, which is the folder.
    """
    plain = _NUMBER.sub("", name, count=1) if _NUMBER.match(name) else name
    if plain == path or plain.startswith((f"{path}::", f"{path} > ")):
        return True
    pure = PurePosixPath(path)
    if pure.suffix == ".go":
        package = plain.partition("::")[0]
        folder = str(pure.parent)
        return "::" in plain and (package.endswith(f"/{folder}") or package == folder)
    if pure.suffix != ".py":
        return False
    place = re.split(r"::|\[", plain)[0]
    parts = [*pure.parts[:-1], pure.stem]
    return any(_begins(place, ".".join(parts[start:])) for start in range(len(parts)))


def _begins(place: str, module: str) -> bool:
    return place == module or place.startswith(f"{module}.")
