"""Reading durations."""

import re

from durations.units import seconds_in

_PART = re.compile(r"(\d+)\s*([a-z]+)")


class DurationError(ValueError):
    """The text is not a duration."""


def parse_duration(text: str) -> int:
    """Seconds in a duration such as "1h 30m" or "2 days".

    Parts may come in any order and are added up. A leading minus makes the whole duration negative.
    Raises DurationError when the text holds no duration or an unknown unit.
    """
    stripped = text.strip().lower()
    negative = stripped.startswith("-")
    parts = _PART.findall(stripped)
    if not parts:
        raise DurationError(f"not a duration: {text!r}")
    seconds = 0
    for amount, unit in parts:
        try:
            seconds += int(amount) * seconds_in(unit)
        except KeyError:
            raise DurationError(f"unknown unit {unit!r} in {text!r}") from None
    return -seconds if negative else seconds
