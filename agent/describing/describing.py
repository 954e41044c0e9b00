"""One call for each part, and what of the reply may be published: sentences whose citations show what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from agent.asking import Library
from agent.contract import Ledger
from agent.describing.prompting import SYSTEM, opening
from agent.describing.shelf import Shelf, key_of
from agent.model import ModelClient
from codebase.citations import Claim, Verdict, check
from codebase.wiki.model import Citation, Code, Paragraph, Piece, Quoted, Sentence

ROLE = "wiki"
_LONGEST_REPLY = 12_000
_MOST_SENTENCES = 12
_BEFORE_A_MARK = re.compile(r"\s+(?=[.,;!?])")


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of one part. `dropped`: what the model said that failed, with the verdict on each; `kept_before`:
    the reply came from the shelf."""

    paragraphs: tuple[Paragraph, ...]
    dropped: tuple[Claim, ...] = ()
    kept_before: bool = False
    tokens: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)


@dataclass(frozen=True, slots=True)
class Author:
    """A model. `identity` is what its replies are kept under, together with the question; `shown` is for people."""

    identity: str
    shown: str


def describe(
    title: str,
    spans: Sequence[Citation],
    library: Library,
    model: ModelClient,
    *,
    number: int,
    ledger: Ledger,
    shelf: Shelf,
    author: Author,
    cancelled: Callable[[], bool] = lambda: False,
) -> Described:
    """Asks for a description of a part from `spans` of it. `number` counts the parts from 1: the second one's window is
    `wiki#2`.

    Raises what ModelClient.complete raises, and what the ledger does. Nothing is published that fails the check, be it
    new or from the shelf.
    """
    shown = "\n\n".join(library.show(span.path, span.start, span.end) for span in spans)
    brief = opening(title, shown)
    key = key_of(author.identity, SYSTEM, brief)
    found = shelf.find(key)
    if found is not None:
        return _checked(found[0], found[1], library, kept_before=True)
    window = ROLE if number == 1 else f"{ROLE}#{number}"
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": brief}]
    reply = model.complete(
        messages, [], role=ROLE, window=window, key=f"{window}/1", ledger=ledger, cancelled=cancelled
    )
    shelf.keep(key, reply.text, author.shown)
    checked = _checked(reply.text, author.shown, library, kept_before=False)
    return Described(checked.paragraphs, checked.dropped, False, reply.tokens, reply.cost_usd or Decimal(0))


def _checked(text: str, model: str, library: Library, *, kept_before: bool) -> Described:
    claims = check(text[:_LONGEST_REPLY], library.shown())
    supported = [claim for claim in claims if claim.verdict is Verdict.supported and claim.kind != "heading"]
    blocks: dict[int, list[Sentence]] = {}
    for claim in supported[:_MOST_SENTENCES]:
        blocks.setdefault(claim.block, []).append(_sentence(claim))
    paragraphs = tuple(Paragraph(tuple(sentences), written_by=model) for sentences in blocks.values())
    failed = (Verdict.supported, Verdict.connecting)
    return Described(paragraphs, tuple(claim for claim in claims if claim.verdict not in failed), kept_before)


def _sentence(claim: Claim) -> Sentence:
    """A claim as the wiki has it. Where its citations stood among the words there is no gap left."""
    pieces: list[Piece] = []
    for piece in claim.pieces:
        words = re.sub(r"\s+", " ", piece.text)
        if piece.kind != "text":
            pieces.append(Code(piece.text) if piece.kind == "code" else Quoted(piece.text))
            continue
        if pieces and re.match(r"\s*[.,;!?]", words):
            words = words.lstrip()
            if isinstance(pieces[-1], str):
                pieces[-1] = pieces[-1].rstrip()
        pieces.append(_BEFORE_A_MARK.sub("", words))
    places = tuple(Citation(one.path, one.start_line, one.end_line) for one in claim.citations)
    return Sentence(tuple(pieces), places)
