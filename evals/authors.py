"""A careful and an inventing author, played by the scripted model over the wire: what of their words is published?

Both are given the true statements that the code itself makes about a question. The careful one repeats them, the
inventing one spoils each in every way of `inventing`. Every published claim is then read a second time, by a reader
that shares no code with the one that let it through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from agent.asking import Library, Notes, Purse, write_answer
from agent.model import CallPolicy, ModelClient
from agent.prices import ModelSpec, Price
from codebase.asking import Answer, IndexedTree, answer
from codebase.citations import Citation, Claim, Verdict
from codebase.index import BlobCache, build_corpus
from demo.scripted_model import ScriptedModel
from demo.scripted_script import Script
from evals.inventing import invented, said, shows
from repositories.commit_tree import commit_tree

Author = Literal["careful", "inventing"]
AUTHORS: tuple[Author, ...] = ("careful", "inventing")
READS_AT_A_TIME = 4
READS_AT_MOST = 16
ANSWER_CHARS = 18_000
_READ_LINES = 100
_MARGIN = 8


@dataclass(frozen=True)
class Ground:
    """One commit that questions are asked about."""

    name: str
    source: IndexedTree


@dataclass
class Played:
    """What became of one author's words on one ground. `unverified`: published claims that the second reader does not
    find in the lines they cite, or that cite what is not there or was not shown. `changed`: published although no true
    statement says just that, and found by the second reader nonetheless."""

    ground: str
    author: Author
    questions: int = 0
    sentences: int = 0
    published: int = 0
    changed: int = 0
    unverified: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)


def play(ground: Ground, questions: Sequence[str], author: Author) -> Played:
    """Has the author answer each question through LiteLLM. Questions without an answer in the code are passed over."""
    played = Played(ground.name, author)
    for question in questions:
        start = answer(question, ground.source)
        true = _quotable(start.claims)
        if not true:
            continue
        played.questions += 1
        words = (
            ["\n".join(said(claim) for claim in true)]
            if author == "careful"
            else list(_pages(text for claim in true for text in invented(claim).values()))
        )
        for text in words:
            _converse(ground, start, true, text, played)
    return played


def _quotable(claims: Sequence[Claim]) -> list[Claim]:
    """Claims that can be written in the authors' form, as many as can be read for."""
    found: list[Claim] = []
    places: set[Citation] = set()
    for claim in claims:
        if any("`" in piece.text or '"' in piece.text for piece in claim.pieces):
            continue
        if any(one.end_line - one.start_line >= _READ_LINES for one in claim.citations):
            continue
        if len(places | set(claim.citations)) > READS_AT_MOST:
            break
        places |= set(claim.citations)
        found.append(claim)
    return found


def _pages(texts: Iterator[str]) -> Iterator[str]:
    page = ""
    for text in texts:
        if page and len(page) + len(text) > ANSWER_CHARS:
            yield page
            page = ""
        page += f"{text}\n\n"
    if page:
        yield page


def _converse(ground: Ground, start: Answer, true: Sequence[Claim], text: str, played: Played) -> None:
    places = list(dict.fromkeys(one for claim in true for one in claim.citations))
    reads: list[dict[str, Any]] = [
        {
            "tool": "read",
            "args": {
                "path": one.path,
                "start_line": max(1, one.start_line - _MARGIN),
                "end_line": one.end_line + _MARGIN,
            },
        }
        for one in places
    ]
    turns: list[dict[str, Any]] = [
        {"call": reads[at : at + READS_AT_A_TIME]} for at in range(0, len(reads), READS_AT_A_TIME)
    ]
    script = ScriptedModel(Script.model_validate({"turns": [*turns, {"say": text}]}))
    library = Library(ground.source.corpus, ground.source.contents, ground.source.commit)
    with script.serve() as server:
        spec = ModelSpec(
            "openai/{window}", api_base=server.base_url, api_key=server.api_key, price=Price(Decimal(0), Decimal(0))
        )
        model = ModelClient([spec], policy=CallPolicy(attempts=2))
        authored = write_answer(start, library, model, ledger=Purse(Decimal(0), 10**9), journal=Notes(), window="ask")
    shown = library.shown()
    originals = {(claim.text.rstrip("."), claim.citations) for claim in true}
    for claim in authored.answer.claims:
        if claim.verdict is Verdict.connecting:
            continue
        played.published += 1
        played.changed += (claim.text.rstrip("."), claim.citations) not in originals
        if not shows(claim, ground.source.contents.lines, shown.covers):
            played.unverified.append(f"{claim.text} {[str(one) for one in claim.citations]}")
    played.sentences += len(authored.answer.claims) + len(authored.dropped)
    played.verdicts.update(str(claim.verdict) for claim in (*authored.answer.claims, *authored.dropped))


def grounds_of(
    clones: Path, rows: Mapping[str, Mapping[str, Any]], names: Sequence[str], cache: Path
) -> Iterator[Ground]:
    """The named repositories of a questions' file, each open until the next is asked for."""
    for name in names:
        clone = clones / name.replace("/", "+")
        tree = commit_tree(clone / "repo" if (clone / "repo").is_dir() else clone, str(rows[name]["commit"]))
        blobs = BlobCache(cache / f"{name.replace('/', '+')}.db")
        try:
            yield Ground(name, IndexedTree(tree, blobs, build_corpus(tree, blobs), commit=tree.commit))
        finally:
            blobs.close()
