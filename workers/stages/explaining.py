"""explaining: a question about the code, answered from the commit it was asked about, in one comment."""

from __future__ import annotations

from contextlib import closing

from agent.asking import Authored, Library, write_answer
from agent.contract import BudgetExhausted
from agent.model import Cancelled, ContextExceeded, ModelRejected, ModelUnavailable
from agent.prices import PriceUnknown
from codebase.asking import Answer, IndexedTree, answer
from codebase.index import BlobCache, Finder
from repositories.commit_tree import commit_tree
from store import Stage
from workers import localising, questions
from workers.decisions import Decision, EndTask, Move, Wait
from workers.github import explaining
from workers.github.source import desk_of
from workers.record_keeping import Books
from workers.workshop import TaskContext

WINDOW = "1/ask"
INDEX_WAIT_S = 60.0
INDEX_WAITS = 60


def run(context: TaskContext) -> Decision:
    desk = desk_of(context)
    if context.task().data.get("answer") is None:
        place = explaining.find_place(context, desk)
        finder = localising.search_of(context, place.sha)
        if finder is None:
            return _later(context)
        authored = _answer(context, place.sha, finder)
        context.remember(answer=explaining.compose(authored, place, asked=questions.text_of(context.task())))
    explaining.post(context, desk, context.task().data["answer"])
    return Move(Stage.DONE)


def _later(context: TaskContext) -> Decision:
    """The index of a large repository is built beside us and takes its time; a question can wait, an hour at most."""
    waits = int(context.task().data.get("index_waits", 0)) + 1
    if waits > INDEX_WAITS:
        raise EndTask(Stage.FAILED, "there is no index of the commit to look the answer up in")
    return Wait(INDEX_WAIT_S, {"index_waits": waits})


def _answer(context: TaskContext, sha: str, finder: Finder) -> Authored:
    mirror = context.source.mirror(context)
    tree = commit_tree(mirror.path, sha)
    with closing(BlobCache(context.workshop.indexes.path(mirror.path))) as cache:
        source = IndexedTree(tree, cache, finder.corpus, commit=sha)
        start = answer(questions.text_of(context.task()), source)
    return _worded(context, start, source)


def _worded(context: TaskContext, start: Answer, source: IndexedTree) -> Authored:
    """The answer in a model's words. Where none can be had, or its budget ends, the code's own answer stands."""
    if not context.settings.model:
        return Authored(start)
    books = Books(context.database, context.held, context.heartbeat, context.now)
    try:
        return write_answer(
            start,
            Library(source.corpus, source.contents, source.commit),
            context.workshop.models.client(),
            ledger=books,
            journal=books,
            window=WINDOW,
            cancelled=context.stopped,
        )
    except Cancelled:
        context.let_go()
    except (ModelUnavailable, ModelRejected, ContextExceeded, BudgetExhausted, PriceUnknown) as error:
        context.tell("fallback", line=f"No model worded the answer: {error}"[:300])
        return Authored(start)
    finally:
        books.close()
