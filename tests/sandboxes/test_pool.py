"""Warm boxes: what is claimed, what is made ahead, and what never is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandboxes import Box, PlainBackend, SandboxError, SandboxSpec
from sandboxes.contract import Backend
from sandboxes.pool import IDLE_S, Content, WarmPool
from tests.sandboxes.conftest import new_name

SPEC = SandboxSpec(memory_bytes=256 << 20, disk_bytes=64 << 20)


@contextmanager
def pool_of(backend: Backend, size: int, clock: Callable[[], float] = time.monotonic) -> Iterator[WarmPool]:
    pool = WarmPool(backend, size, f"warm-{new_name()}-", clock=clock)
    try:
        yield pool
    finally:
        pool.close()


def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def note(text: bytes) -> Content:
    return Content(text.decode(), lambda box: box.write("note", text))


def test_the_second_claim_is_warm_and_nothing_is_used_twice(backend: Backend) -> None:
    with pool_of(backend, 1) as pool:
        names = set()
        for turn in range(3):
            if turn:
                until(lambda: pool.counts().ready == 1)
            with pool.claim(SPEC, name=new_name()) as box:
                assert box.list().entries == ()
                box.write("left", b"behind")
                assert box.run(["true"], timeout=20).exit_code == 0
                names.add(box.name)
        assert len(names) == 3
        assert (pool.counts().hits, pool.counts().misses, pool.counts().failures) == (2, 1, 0)
        assert sum(name.startswith(pool.prefix) for name in names) == 2
    assert pool.counts().ready == 0


@pytest.fixture
def plain(tmp_path: Path) -> PlainBackend:
    return PlainBackend(tmp_path / "state", allow_unisolated=True)


def left(plain: PlainBackend) -> list[str]:
    """The names of boxes that are still there."""
    return [record.name for record in plain._records.all()]


def test_boxes_differ_in_everything_that_matters(plain: PlainBackend) -> None:
    with pool_of(plain, 1) as pool:
        pool.claim(SPEC, name=new_name()).close()
        until(lambda: pool.counts().ready == 1)
        other = SandboxSpec(memory_bytes=512 << 20, disk_bytes=64 << 20)
        for spec, content in ((other, None), (SPEC, note(b"one"))):
            pool.claim(spec, name=new_name(), content=content).close()
        assert (pool.counts().hits, pool.counts().misses) == (0, 3)


def test_what_is_brought_in_is_there_and_of_its_kind(plain: PlainBackend) -> None:
    with pool_of(plain, 2) as pool:
        for text in (b"one", b"two"):
            with pool.claim(SPEC, name=new_name(), content=note(text)) as box:
                assert box.read("note") == text
        until(lambda: pool.counts().ready == 2)
        for text in (b"one", b"two"):
            with pool.claim(SPEC, name=new_name(), content=note(text)) as box:
                assert box.read("note") == text
                assert box.name.startswith(pool.prefix)


def test_never_more_than_the_size_and_the_latest_kinds_first(plain: PlainBackend) -> None:
    with pool_of(plain, 2) as pool:
        for text in (b"a", b"b", b"c", b"d"):
            pool.claim(SPEC, name=new_name(), content=note(text)).close()
            until(lambda: pool.counts().ready >= 1)
        until(lambda: sorted(len(boxes) for boxes in pool._ready.values()) == [1, 1])
        time.sleep(0.3)
        assert len(left(plain)) == pool.counts().ready == 2
        for text in (b"d", b"c"):
            with pool.claim(SPEC, name=new_name(), content=note(text)) as box:
                assert box.name.startswith(pool.prefix), text


def test_a_box_that_died_is_not_given_out(plain: PlainBackend) -> None:
    with pool_of(plain, 1) as pool:
        pool.claim(SPEC, name=new_name()).close()
        until(lambda: pool.counts().ready == 1)
        (boxes,) = pool._ready.values()
        boxes[0][0].close()
        with pool.claim(SPEC, name=new_name()) as box:
            assert box.run(["true"], timeout=20).exit_code == 0
        assert pool.counts().hits == 0


def test_idle_boxes_and_overdue_claims_end(plain: PlainBackend) -> None:
    skipped = [0.0]
    with pool_of(plain, 1, lambda: time.monotonic() + skipped[0]) as pool:
        pool.claim(SPEC, name=new_name()).close()
        until(lambda: pool.counts().ready == 1)
        with pool.claim(SPEC, name=new_name()) as box:
            assert box.name.startswith(pool.prefix)
            skipped[0] += SPEC.lifetime_s + 1
            until(lambda: not answers(box))
        until(lambda: pool.counts().ready == 0)
        assert left(plain) == [], "nobody asked for that kind for longer than boxes are kept"
        assert SPEC.lifetime_s > IDLE_S


def answers(box: Box) -> bool:
    try:
        box.list()
    except SandboxError:
        return False
    return True


def test_what_cannot_be_made_ahead_is_counted_and_not_tried_at_once(plain: PlainBackend) -> None:
    tries = []

    def breaks(box: Box) -> None:
        tries.append(box.name)
        raise SandboxError("it cannot be brought in")

    with pool_of(plain, 1) as pool:
        with pytest.raises(SandboxError, match="brought in"):
            pool.claim(SPEC, name=new_name(), content=Content("broken", breaks))
        until(lambda: pool.counts().failures == 1)
        time.sleep(0.3)
        assert len(tries) == 2
        assert left(plain) == []


def test_without_a_size_nothing_is_made_ahead(plain: PlainBackend) -> None:
    with pool_of(plain, 0) as pool:
        name = new_name()
        with pool.claim(SPEC, name=name, content=note(b"x")) as box:
            assert (box.name, box.read("note")) == (name, b"x")
        assert pool._thread is None
        assert left(plain) == []
