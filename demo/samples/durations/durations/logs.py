"""Time logs: one `task: duration` a line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from durations.parsing import DurationError, parse_duration


@dataclass(frozen=True)
class Entry:
    """One line of a log: what was done, and for how many seconds."""

    task: str
    seconds: int


def read_log(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries of a log. Blank lines and lines that start with # are skipped.

    Raises DurationError, with the line number, for a line that is not `task: duration`.
    """
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        task, colon, duration = text.partition(":")
        if not colon or not task.strip():
            raise DurationError(f"line {number}: expected 'task: duration', got {text!r}")
        try:
            yield Entry(task.strip(), parse_duration(duration))
        except DurationError as error:
            raise DurationError(f"line {number}: {error}") from None
