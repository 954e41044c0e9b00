"""What workers keep warm: told by each while it lives, read by whoever removes remains and by /metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from store.schema import Pool

# Long enough for a scraper to see the last numbers of a worker that has ended.
_FORGOTTEN_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Warmth:
    """Boxes ready now; since the worker began: claims that found one, claims that did not, boxes not made ahead."""

    ready: int
    hits: int
    misses: int
    failures: int


def tell(session: Session, prefix: str, backend: str, warmth: Warmth, *, now: float, lease_s: float) -> None:
    """For the next `lease_s` seconds boxes whose names begin with `prefix` are answered for."""
    session.merge(
        Pool(
            prefix=prefix,
            backend=backend,
            ready=warmth.ready,
            hits=warmth.hits,
            misses=warmth.misses,
            failures=warmth.failures,
            until=now + lease_s,
        )
    )
    session.execute(delete(Pool).where(Pool.until < now - _FORGOTTEN_AFTER_S))


def living(session: Session, *, now: float) -> tuple[str, ...]:
    """The prefixes somebody answers for."""
    return tuple(session.scalars(select(Pool.prefix).where(Pool.until > now)))


def drop(session: Session, prefix: str) -> None:
    session.execute(delete(Pool).where(Pool.prefix == prefix))


def counts(session: Session, *, now: float) -> Mapping[str, Warmth]:
    """By backend, of all workers that live."""
    numbers = (Pool.ready, Pool.hits, Pool.misses, Pool.failures)
    rows = session.execute(
        select(Pool.backend, *(func.sum(one) for one in numbers)).where(Pool.until > now).group_by(Pool.backend)
    )
    return {backend: Warmth(*(int(number) for number in found)) for backend, *found in rows}
