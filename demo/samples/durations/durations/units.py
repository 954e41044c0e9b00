"""The units that durations are written in."""

SECONDS = {
    "w": 7 * 24 * 3600,
    "d": 24 * 3600,
    "h": 3600,
    "m": 60,
    "s": 1,
}

NAMES = {
    "week": "w",
    "weeks": "w",
    "day": "d",
    "days": "d",
    "hour": "h",
    "hours": "h",
    "hr": "h",
    "min": "m",
    "mins": "m",
    "minute": "m",
    "minutes": "m",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
}


def seconds_in(unit: str) -> int:
    """Seconds in one `unit`, given by its letter or its name; KeyError for anything else."""
    return SECONDS[NAMES.get(unit, unit)]
