"""How well ask answers: does it know what is not there, is the right file among what it cites, is all of it checked?

Our own questions (asking_questions.yml), about half of them about things their repository does not have. The
file says which part each repository plays: whether its questions set the thresholds or only judge them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from codebase.asking import IndexedTree, answer
from codebase.citations import Claim
from codebase.index import BlobCache, Contents, build_corpus
from repositories.commit_tree import commit_tree

QUESTIONS = Path(__file__).parent / "asking_questions.yml"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's outcome. `gold`: the files that answer it, empty when nothing does. `unverified`: citations that
    do not resolve to lines of the commit."""

    repository: str
    part: str
    question: str
    gold: tuple[str, ...]
    found: bool
    cited: tuple[str, ...]
    claims: int
    unverified: int
    seconds: float

    @property
    def gold_cited(self) -> bool:
        return any(path in self.cited for path in self.gold)


@dataclass(frozen=True, slots=True)
class Figures:
    """`precision` and `recall` are those of "not found"; `gold_cited` the share of answerable questions that cite a
    right file; None where nothing was there to be counted."""

    questions: int
    absent: int
    precision: float | None
    recall: float | None
    gold_cited: float | None
    claims: int
    unverified: int
    p50_ms: float


def measure(clones: Path, told: Callable[[str], None], questions: Path = QUESTIONS) -> list[Asked]:
    """Every question of the file. `clones` holds `owner+name/repo` or `owner+name`, with the commits it names."""
    rows: Mapping[str, Mapping[str, Any]] = yaml.safe_load(questions.read_text("utf-8"))
    found: list[Asked] = []
    with tempfile.TemporaryDirectory(prefix="forgehand-asking-") as folder:
        for name, row in rows.items():
            clone = clones / name.replace("/", "+")
            tree = commit_tree(clone / "repo" if (clone / "repo").is_dir() else clone, str(row["commit"]))
            cache = BlobCache(Path(folder) / f"{name.replace('/', '+')}.db")
            source = IndexedTree(tree, cache, build_corpus(tree, cache), commit=tree.commit)
            asked = [(one[0], tuple(one[1:])) for one in row["there"]] + [(one, ()) for one in row["absent"]]
            for question, gold in asked:
                told(f"{name}: {question}")
                began = time.perf_counter()
                said = answer(question, source)
                seconds = time.perf_counter() - began
                cited = tuple(dict.fromkeys(one.path for claim in said.claims for one in claim.citations))
                found.append(
                    Asked(
                        repository=name,
                        part=str(row["part"]),
                        question=question,
                        gold=gold,
                        found=said.found,
                        cited=cited,
                        claims=len(said.claims),
                        unverified=unresolved(said.claims, source.contents),
                        seconds=seconds,
                    )
                )
            cache.close()
    return found


def unresolved(claims: Sequence[Claim], contents: Contents) -> int:
    """How many claims carry no citation, or one that is not a line of its file: counted apart from what checks them."""
    bad = 0
    for claim in claims:
        resolve = [
            one.path in contents.files and 1 <= one.start_line <= one.end_line <= len(contents.lines(one.path))
            for one in claim.citations
        ]
        bad += not resolve or not all(resolve)
    return bad


def figures(asked: Sequence[Asked]) -> Figures:
    """`asked` may be empty."""
    absent = [one for one in asked if not one.gold]
    there = [one for one in asked if one.gold]
    said_no = [one for one in asked if not one.found]
    right = [one for one in said_no if not one.gold]
    times = sorted(one.seconds * 1000 for one in asked)
    return Figures(
        questions=len(asked),
        absent=len(absent),
        precision=len(right) / len(said_no) if said_no else None,
        recall=len(right) / len(absent) if absent else None,
        gold_cited=sum(one.gold_cited for one in there) / len(there) if there else None,
        claims=sum(one.claims for one in asked),
        unverified=sum(one.unverified for one in asked),
        p50_ms=times[len(times) // 2] if times else 0.0,
    )


def parts(asked: Sequence[Asked]) -> dict[str, Figures]:
    """Figures of all, of each part, and of each repository."""
    found = {"all": figures(asked)}
    for part in dict.fromkeys(one.part for one in asked):
        found[part] = figures([one for one in asked if one.part == part])
    for name in dict.fromkeys(one.repository for one in asked):
        found[name] = figures([one for one in asked if one.repository == name])
    return found
