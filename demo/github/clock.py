"""Time as GitHub writes it: UTC, whole seconds, a trailing Z."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, cut to whole seconds as GitHub's API does."""
    return datetime.now(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    """`2026-11-20T20:15:38Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
