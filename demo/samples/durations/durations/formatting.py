"""Writing durations."""

from durations.units import SECONDS


def format_duration(seconds: int) -> str:
    """A duration in its largest units, weeks apart: 5400 is "1h 30m", 0 is "0s"."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    parts = []
    rest = seconds
    for unit in ("d", "h", "m", "s"):
        amount, rest = divmod(rest, SECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0s"


def format_clock(seconds: int) -> str:
    """A duration as on a clock, hours and up in one number: 5400 is "1:30:00"."""
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{rest:02}"
