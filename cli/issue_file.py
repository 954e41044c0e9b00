"""An issue from a file or standard input: its first line is the title, the rest the body."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.errors import CannotRun

MOST_BYTES = 1 << 20
TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Issue:
    """What is asked for, and under which name it is talked about."""

    name: str
    title: str
    body: str


def read_issue(source: str, stdin: BinaryIO | None = None) -> Issue:
    """The issue in the file `source`, or on standard input for `-`. CannotRun says why it cannot be used."""
    if source == "-":
        return parse_issue((stdin or sys.stdin.buffer).read(MOST_BYTES + 1), "standard input")
    try:
        with Path(source).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CannotRun(f"The issue cannot be read from {source}: {error.strerror}. Name a text file, or -") from None
    return parse_issue(data, Path(source).name)


def parse_issue(data: bytes, name: str) -> Issue:
    """`# Title` or a plain first line, then the body. Bytes that are no UTF-8 are replaced. Pure."""
    if len(data) > MOST_BYTES:
        raise CannotRun(f"The issue in {name} is larger than {MOST_BYTES >> 20} MB. Shorten it, or link what it quotes")
    text = data.decode("utf-8-sig", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
    first, _, rest = text.partition("\n")
    title = " ".join(first.lstrip("#").split())
    if not title:
        raise CannotRun(f"The issue in {name} is empty. Write a title in its first line and what is wanted below it")
    # A long first line is a text without a title: nothing of it may be lost.
    return Issue(name, title[:TITLE_CHARS], rest.strip() if len(title) <= TITLE_CHARS else text)
