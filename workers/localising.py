"""Where a ticket may be about, by search over the task's own commit: what a window is shown before it asks.

An index that cannot be had costs this observation, never the task. What was found is kept with the task, so that a
window run again is shown the same, whatever the index says by then.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Any

import structlog

from codebase.index import Excerpt, Finder, Hit
from codebase.navigation import Navigator
from workers.workshop import TaskContext

log = structlog.get_logger(__name__)

TOP = 20
# Of what was changed for 31 development issues this shows 55% of the lines in 12,000 characters (2026-11-21); 22 lines
# of each of ten places 45% in 10,700.
LINES_EACH = (50,) * 5 + (6,) * 5
PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.2
_WRITERS = ("admin", "maintain", "write")
_SHOWN = 5


def begin(context: TaskContext, rev: str) -> None:
    """Has the index of a commit built beside what comes before it is asked for."""
    context.workshop.indexes.begin(context.source.mirror(context).path, rev)


def places(context: TaskContext, rev: str) -> tuple[Excerpt, ...]:
    """The places in the tree of `rev` that the task's ticket is about, best first; none where there is no index.

    Raises EndTask, HandBack, LeaseLost when the task has to stop meanwhile.
    """
    kept = _kept(context, rev)
    if kept is not None and not kept["places"]:
        return ()
    began = time.monotonic()
    finder = search_of(context, rev)
    if finder is None:
        return ()
    text = query(context.task().ticket)
    try:
        hits = finder.find(text, top=TOP) if kept is None else [Hit(*hit) for hit in kept["places"]]
        found = finder.excerpts(hits, text, lines=LINES_EACH)
    except Exception as error:
        log.exception("the ticket could not be searched for")
        _give_up(context, rev, f"the search failed: {type(error).__name__}")
        return ()
    if kept is None:
        context.remember(located={"rev": rev, "places": [_row(hit) for hit in hits]})
        context.tell(
            "located",
            rev=rev,
            files=len(finder.corpus.paths),
            places=[f"{hit.path}:{hit.start_line}-{hit.end_line} {hit.symbol}".strip() for hit in hits[:_SHOWN]],
            seconds=round(time.monotonic() - began, 3),
        )
    return tuple(found)


def search_of(context: TaskContext, rev: str) -> Finder | None:
    """Search over the tree of `rev`; None where there is no index of it, which the task's log then says once.

    Waits for the index two minutes at most, and not again after that: a window asked for later has it once it is there.
    Raises EndTask, HandBack, LeaseLost when the task has to stop meanwhile.
    """
    kept = _kept(context, rev)
    given_up = kept is not None and "why" in kept
    future = context.workshop.indexes.begin(context.source.mirror(context).path, rev)
    if not _done(context, future, 0.0 if given_up else PATIENCE_S):
        why = f"the index was not ready after {PATIENCE_S:.0f} s"
    elif (error := future.exception()) is not None:
        log.warning("no index", rev=rev, exc_info=error)
        why = f"{type(error).__name__}: {error}"
    else:
        return future.result()
    if kept is None:
        _give_up(context, rev, why)
    return None


def navigator_of(context: TaskContext, finder: Finder | None) -> Navigator | None:
    """Moving about the tree that `finder` searches; None where there is no index of it."""
    if finder is None:
        return None
    try:
        return context.workshop.indexes.navigator(context.source.mirror(context).path, finder)
    except (OSError, sqlite3.Error) as error:
        log.warning("no navigation", error=f"{type(error).__name__}: {error}")
        return None


def query(ticket: dict[str, Any]) -> str:
    """What is searched for: title, body, and the comments of people who may write here, in that order."""
    comments = [one["body"] for one in ticket.get("comments", []) if one.get("permission") in _WRITERS]
    title = " ".join(str(ticket.get("title", "")).split())
    return "\n\n".join([title, str(ticket.get("body", "")), *comments])


def _done(context: TaskContext, future: Future[Finder], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not wait([future], timeout=max(0.0, min(_LOOK_EVERY_S, deadline - time.monotonic()))).done:
        if time.monotonic() >= deadline:
            return False
        if context.stopped():
            context.let_go()
    return True


def _kept(context: TaskContext, rev: str) -> dict[str, Any] | None:
    kept = context.task().data.get("located")
    return kept if isinstance(kept, dict) and kept["rev"] == rev else None


def _give_up(context: TaskContext, rev: str, why: str) -> None:
    """Goes on without. A reason that was told for another commit of the task is not told again."""
    before = context.task().data.get("located") or {}
    context.remember(located={"rev": rev, "places": [], "why": why[:300]})
    if before.get("why") != why[:300]:
        context.tell("not_located", why=why[:300])


def _row(hit: Hit) -> Sequence[Any]:
    return [hit.path, hit.start_line, hit.end_line, hit.symbol, hit.kind, hit.score]
