"""What commands print: one JSON document, or lines and tables in which nothing from outside comes alive."""

import json
import sys
from typing import Any

from rich.console import Console

from store.events import Event
from workers import status


def console(*, as_json: bool = False) -> Console:
    """For people: on standard error when standard output is for the one JSON document."""
    return Console(stderr=as_json, soft_wrap=True, highlight=False, markup=False, emoji=False)


def document(value: Any) -> None:
    """The one JSON document of a command with --json."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """Text of unknown origin for a terminal: control characters, with which it could be steered, are replaced."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def told(event: Event) -> str | None:
    """An event's line for a terminal, None for one that only machines need."""
    line = status.describe(event)
    # What keeps mentions and HTML dead on GitHub is only noise here.
    return None if line is None else printable(line.removeprefix("- ").replace("\u200b", "").replace("&lt;", "<"))
