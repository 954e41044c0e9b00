"""Adding up."""

from collections.abc import Iterable

from durations.logs import Entry
from durations.parsing import parse_duration


def total(texts: Iterable[str]) -> int:
    """The sum of several durations, in seconds."""
    return sum(parse_duration(text) for text in texts)


def totals_by_task(entries: Iterable[Entry]) -> dict[str, int]:
    """Seconds by task, in the order in which tasks first appear."""
    totals: dict[str, int] = {}
    for entry in entries:
        totals[entry.task] = totals.get(entry.task, 0) + entry.seconds
    return totals
