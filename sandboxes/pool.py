"""Boxes made before they are asked for: single use, of the kinds asked for lately, never more than a few.

Two boxes are of one kind when everything that matters is the same: the whole spec (image, limits, destinations) and
what was brought into them. A claimed box is never given to anybody else, and never comes back.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .contract import NO_NAMES, Backend, Box, SandboxError, SandboxSpec

log = logging.getLogger(__name__)

IDLE_S = 900.0
"""A warm box nobody claimed for so long is thrown away, and so is the memory of its kind."""
KINDS = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_PATIENCE_S = 5.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Content:
    """What is brought into a box before it is claimed; `key` names it, equal keys stand for equal contents."""

    key: str
    bring_into: Callable[[Box], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """`ready` now; since the pool began: claims that found a warm box, claims that did not, boxes that could not be
    made ahead."""

    ready: int
    hits: int
    misses: int
    failures: int


Kind = tuple[SandboxSpec, str]


class WarmPool:
    """Claims for one backend. `size`: how many boxes are kept warm together; with 0 every box is made when asked for.

    `prefix` begins the names of warm boxes, of which reapers must know that somebody answers for them.
    Thread-safe. A lifetime counts from the claim: here to the second, and in the box itself at most `IDLE_S` later.
    """

    def __init__(
        self, backend: Backend, size: int, prefix: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.backend, self.prefix, self._size, self._clock = backend, prefix, size, clock
        self._ready: dict[Kind, deque[tuple[Box, float]]] = {}
        self._kinds: OrderedDict[Kind, tuple[Content | None, float]] = OrderedDict()
        self._claimed: list[tuple[weakref.ref[Box], float]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._pause_until, self._pause = 0.0, _FIRST_PAUSE_S
        self._hits = self._misses = self._failures = 0

    def claim(
        self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES, content: Content | None = None
    ) -> Box:
        """A box with `content` in it. A warm one has a name of its own; otherwise it is made now, as `name`.

        Raises as `Backend.create` and `content.bring_into`.
        """
        box = self._take((spec, content.key if content else ""), content)
        if box is not None:
            return box
        box = self.backend.create(spec, name=name, labels=labels)
        if content is not None:
            try:
                content.bring_into(box)
            except BaseException:
                box.close()
                raise
        return box

    def counts(self) -> Counts:
        with self._changed:
            return Counts(self._number_ready(), self._hits, self._misses, self._failures)

    def close(self) -> None:
        """Ends the boxes nobody claimed. Claimed ones are their owners'."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(60)
        for box, _ in [one for boxes in self._ready.values() for one in boxes]:
            box.close()
        self._ready.clear()

    def _take(self, kind: Kind, content: Content | None) -> Box | None:
        """A warm box that still answers, and the kind noted as wanted."""
        if self._size == 0:
            return None
        while True:
            with self._changed:
                now = self._clock()
                self._kinds[kind] = content, now
                self._kinds.move_to_end(kind)
                while len(self._kinds) > KINDS:
                    self._kinds.popitem(last=False)
                ready = self._ready.get(kind)
                found = ready.popleft() if ready else None
                self._begin()
                self._changed.notify_all()
            if found is None:
                with self._changed:
                    self._misses += 1
                return None
            box, made_at = found
            if now - made_at < IDLE_S and _answers(box):
                with self._changed:
                    self._hits += 1
                    self._claimed.append((weakref.ref(box), now + kind[0].lifetime_s))
                return box
            box.close()

    def _begin(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._refill, name="warm-boxes", daemon=True)
            self._thread.start()

    def _refill(self) -> None:
        while True:
            with self._changed:
                if self._closing:
                    return
                overdue, kind = self._overdue(), self._wanted()
                if not overdue and kind is None:
                    self._changed.wait(_LOOK_EVERY_S)
                    continue
            for box in overdue:
                box.close()
            if kind is not None:
                self._add(kind)

    def _wanted(self) -> Kind | None:
        """The kind to make next: the one asked for last, of which there are fewest. None when nothing is to be made."""
        if self._clock() < self._pause_until or self._number_ready() >= self._size:
            return None
        recent = list(reversed(self._kinds))[: self._size]
        return min(recent, key=lambda kind: len(self._ready.get(kind, ())), default=None)

    def _overdue(self) -> list[Box]:
        """Boxes to end: idle too long, in the way of a kind asked for lately, or claimed and over time."""
        now = self._clock()
        for kind in [kind for kind, (_, asked) in self._kinds.items() if now - asked > IDLE_S]:
            del self._kinds[kind]
        recent = list(reversed(self._kinds))[: self._size]
        missing = [kind for kind in recent if not self._ready.get(kind)]
        ended = []
        for kind, boxes in list(self._ready.items()):
            while boxes and (
                kind not in self._kinds
                or now - boxes[0][1] > IDLE_S
                or (missing and self._number_ready() >= self._size and (kind not in recent or len(boxes) > 1))
            ):
                ended.append(boxes.popleft()[0])
            if not boxes:
                del self._ready[kind]
        living = []
        for reference, until in self._claimed:
            box = reference()
            if box is not None and now > until:
                ended.append(box)
            elif box is not None:
                living.append((reference, until))
        self._claimed = living
        return ended

    def _add(self, kind: Kind) -> None:
        spec, _ = kind
        with self._changed:
            content = self._kinds[kind][0] if kind in self._kinds else None
        longer = replace(spec, lifetime_s=spec.lifetime_s + IDLE_S)
        try:
            box = self.backend.create(longer, name=f"{self.prefix}{secrets.token_hex(6)}", labels={"purpose": "warm"})
            with contextlib.ExitStack() as undo:
                undo.callback(box.close)
                if content is not None:
                    content.bring_into(box)
                undo.pop_all()
        except Exception as error:
            # Whoever asks for such a box next is told; here it only costs time.
            expected = isinstance(error, SandboxError | OSError)
            log.warning("no box could be made ahead: %s", error, exc_info=not expected)
            with self._changed:
                self._failures += 1
                self._kinds.pop(kind, None)
                self._pause_until = self._clock() + self._pause
                self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
            return
        with self._changed:
            self._pause = _FIRST_PAUSE_S
            if not self._closing:
                self._ready.setdefault(kind, deque()).append((box, self._clock()))
                self._changed.notify_all()
                return
        box.close()

    def _number_ready(self) -> int:
        return sum(len(boxes) for boxes in self._ready.values())


def _answers(box: Box) -> bool:
    try:
        box.list(limit=1)
    except SandboxError:
        return False
    return True
