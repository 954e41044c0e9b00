"""What a set-up made in a box, kept in a file outside and brought into other boxes.

The file is the runner's own frames, checked on the way but never unpacked here: what is in it is as hostile as the box
it came from, and goes nowhere but into boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, BinaryIO

from .channel import Part
from .contract import ChangesTooLarge
from .inside.frames import Decoder, Frame, ProtocolError, encode
from .trees import checked_entries

PLACES = ("home", "workspace")
_READ = 1 << 20


def write(place: str, frames: Iterable[Frame], to: BinaryIO, *, max_bytes: int) -> int:
    """Keeps an answer of `get_changes`; returns the bytes written. ProtocolError, ChangesTooLarge."""
    announced = received = written = 0
    for frame in frames:
        entries = checked_entries(frame.header)
        announced += sum(size for *_, size in entries)
        received += len(frame.payload)
        if received > announced:
            raise ProtocolError("more content than the entries announce")
        written += to.write(encode({"of": place, "entries": entries}, frame.payload))
        if written > max_bytes:
            raise ChangesTooLarge("what the set-up made is too large", f"more than {max_bytes} bytes", "Make less")
    if received != announced:
        raise ProtocolError("the contents are not as long as announced")
    return written


def read(kept: BinaryIO) -> Iterator[tuple[str, Iterator[Part]]]:
    """The parts of what was kept, place after place. ProtocolError when the file is damaged."""
    for place, frames in groupby(_frames(kept), key=lambda frame: str(frame.header.get("of"))):
        if place not in PLACES:
            raise ProtocolError(f"{place!r} is no place in a box")
        yield place, (({"entries": _list(frame.header)}, frame.payload) for frame in frames)


def _list(header: dict[str, Any]) -> list[Any]:
    return [list(entry) for entry in checked_entries(header)]


def _frames(kept: BinaryIO) -> Iterator[Frame]:
    decoder = Decoder()
    while data := kept.read(_READ):
        yield from decoder.feed(data)
    if decoder.pending:
        raise ProtocolError("the file is cut short")
