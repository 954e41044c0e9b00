"""The answer without a model: statements drawn from the best passages, every one of them checked like an author's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from codebase.asking.deciding import ENOUGH_OF_PROSE, WINDOW, Coverage, cover
from codebase.asking.indexed_tree import IndexedTree
from codebase.asking.passages import Passage, callers, defining, hops, passages, prose
from codebase.asking.question import Question, read_question
from codebase.asking.statements import Speaker, weights
from codebase.citations import Citation, Claim, Sentence, Shown, Verdict, check_claim
from codebase.index.corpus import Corpus

MOST_CALLERS = 12
_PLACES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """`claims` are what is known, each with its citations; none: not found. `reason`: why, or what of the question is
    not in the code though there is an answer. `places`: where to look."""

    question: str
    claims: tuple[Claim, ...] = ()
    places: tuple[Citation, ...] = ()
    reason: str = ""

    @property
    def found(self) -> bool:
        return bool(self.claims)


def answer(text: str, source: IndexedTree) -> Answer:
    """What the code itself says to a question."""
    corpus, contents = source.corpus, source.contents
    question = read_question(text)
    coverage = cover(corpus, question)
    found = passages(corpus, question, coverage)
    places = tuple(_span(corpus, passage.place) for passage in found[:_PLACES])
    document = prose(corpus, question, coverage, contents)
    if document is not None and document[2] < ENOUGH_OF_PROSE:
        document = None
    reason = not_there(question, coverage)
    if reason and document is None:
        return Answer(text, places=places, reason=reason)
    statements = [] if reason else list(_statements(source, question, found))
    if document is not None and question.asked != "callers":
        speaker = _speaker(source, question, [document[0]])
        statements += speaker.lines(
            len(statements), document[0], document[1], document[1] + WINDOW - 1, set(), named=True
        )
    shown = Shown((one for sentence in statements for one in sentence.citations), contents.lines, commit=source.commit)
    claims = [check_claim(sentence, shown) for sentence in statements]
    kept = tuple(_with_subject(claim for claim in claims if claim.verdict is Verdict.supported))
    if not kept:
        return Answer(text, places=places, reason="nothing that could be shown has to do with it")
    return Answer(text, kept, places, reason)


def _with_subject(claims: Iterable[Claim]) -> Iterator[Claim]:
    """The claims without those that say "it" of something whose name fell away."""
    named: set[int] = set()
    for claim in claims:
        if claim.pieces[0].kind == "code":
            named.add(claim.block)
        if claim.block in named:
            yield claim


def not_there(question: Question, coverage: Coverage) -> str:
    """Why a question has no answer here; empty when it may have one."""
    if not question.words:
        return "the question holds no word that could be looked for"
    if coverage.enough:
        return ""
    if coverage.missing:
        named = ", ".join(f'"{word}"' for word in coverage.missing[:6])
        return f"nothing in the code is about {named}"
    return "its words stand in the code, but nowhere together"


def _span(corpus: Corpus, place: int) -> Citation:
    start, end = (int(line) for line in corpus.spans[place])
    return Citation(corpus.path(place), start, end)


def _statements(source: IndexedTree, question: Question, found: Sequence[Passage]) -> Iterator[Sentence]:
    corpus = source.corpus
    if question.asked == "callers" and (said := list(_callers(source, question))):
        yield from said
        return
    reached = [] if question.asked == "definition" else hops(source, question, found)
    everything = [*found, *reached]
    paths = list(dict.fromkeys(corpus.path(passage.place) for passage in everything))
    speaker = _speaker(source, question, paths)
    links = source.links_of(paths)
    for block, passage in enumerate(everything):
        if passage.called is not None:
            yield from speaker.call(block, *passage.called)
        yield from speaker.definition(block, passage.place)
        of_file = links.get(corpus.path(passage.place))
        yield from speaker.documentation(block, passage.place, of_file)
        yield from speaker.telling(block, passage.place, of_file)


def _callers(source: IndexedTree, question: Question) -> Iterator[Sentence]:
    corpus = source.corpus
    for block, name in enumerate(question.dotted or question.names):
        calls = callers(source, name)[:MOST_CALLERS]
        defined = defining(corpus, name)[:2]
        paths = [corpus.path(place) for place in (*defined, *(place for place, _ in calls))]
        speaker = _speaker(source, question, paths)
        for place in defined:
            yield from speaker.definition(block, place)
        for place, call in calls:
            yield from speaker.call(block, place, call)


def _speaker(source: IndexedTree, question: Question, paths: Sequence[str]) -> Speaker:
    wanted = list(dict.fromkeys(paths))
    source.contents.load(wanted)
    lines = {path: source.contents.lines(path) for path in wanted}
    return Speaker(source.corpus, lines, weights(question, _rarity(source.corpus, question)))


def _rarity(corpus: Corpus, question: Question) -> Mapping[int, float]:
    found: dict[int, float] = {}
    for word in question.words:
        for term in word.terms:
            where = corpus.postings(term)
            if where.stop > where.start:
                found[term] = log(1 + corpus.size / (where.stop - where.start))
    return found
