"""Durations as people write them, and time logs made of them."""

from durations.formatting import format_duration
from durations.logs import Entry, read_log
from durations.parsing import DurationError, parse_duration
from durations.reports import render_report
from durations.totals import total, totals_by_task

__all__ = [
    "DurationError",
    "Entry",
    "format_duration",
    "parse_duration",
    "read_log",
    "render_report",
    "total",
    "totals_by_task",
]
