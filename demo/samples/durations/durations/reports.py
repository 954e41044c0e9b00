"""Reports: totals by task as a table for people."""

from durations.formatting import format_clock, format_duration


def render_report(totals: dict[str, int]) -> str:
    """A line a task, longest first, and the sum below. Ties keep their order."""
    if not totals:
        return "nothing logged\n"
    width = max(len(task) for task in [*totals, "total"])
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    lines = [_line(task, seconds, width) for task, seconds in ordered]
    lines.append(_line("total", sum(totals.values()), width))
    return "\n".join(lines) + "\n"


def _line(task: str, seconds: int, width: int) -> str:
    return f"{task:<{width}}  {format_clock(seconds):>9}  {format_duration(seconds)}"
