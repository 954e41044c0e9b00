"""The command line: `report FILE`, `convert DURATION`, `sum DURATION...`."""

import sys
from pathlib import Path

from durations import DurationError, format_duration, parse_duration, read_log, render_report
from durations import total, totals_by_task

USAGE = "usage: python -m durations report FILE | convert DURATION | sum DURATION..."


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit status."""
    try:
        match arguments:
            case ["report", path]:
                lines = Path(path).read_text(encoding="utf-8").splitlines()
                sys.stdout.write(render_report(totals_by_task(read_log(lines))))
            case ["convert", text]:
                print(parse_duration(text))
            case ["sum", *texts] if texts:
                print(format_duration(total(texts)))
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (DurationError, OSError) as error:
        print(f"durations: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
