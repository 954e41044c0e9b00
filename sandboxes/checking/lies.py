"""Answers that no honest runner gives: who has taken one over must gain nothing outside.

A box's answers are read by `ChannelBox` for every backend; here it reads those of a runner that lies.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..box import ChannelBox
from ..channel import Channel, SocketTransport
from ..contract import BoxLost
from ..inside.frames import MAGIC, Decoder, encode
from .ground import Ground
from .registry import Book, Breach, require

checks = Book("output")
Answer = Callable[[Mapping[str, Any]], bytes]


@contextmanager
def liar(answer: Answer) -> Iterator[ChannelBox]:
    """A box whose runner answers each request with what `answer` makes of its header."""
    ours, its = socket.socketpair()

    def serve() -> None:
        decoder = Decoder()
        while data := its.recv(1 << 16):
            for frame in decoder.feed(data):
                try:
                    its.sendall(answer(frame.header))
                except OSError:
                    return  # nobody listens to it any more

    thread = threading.Thread(target=serve, name="check-liar", daemon=True)
    thread.start()
    with ours, its:
        with ChannelBox("liar", "none", Channel(SocketTransport(ours), "liar"), lambda: None) as box:
            yield box
        thread.join(10)


def _changes(*entries: Any, content: bytes = b"") -> Answer:
    return lambda header: encode({"id": header["id"], "ok": True, "entries": list(entries)}, content)


def _raw(head: int, body: int, text: bytes) -> Answer:
    return lambda _: MAGIC + struct.pack(">II", head, body) + text


ANSWERS: Mapping[str, Answer] = {
    "a path with `..`": _changes(["../evil", "file", True, 1], content=b"x"),
    "an absolute path": _changes(["/etc/cron.d/evil", "file", True, 1], content=b"x"),
    "a hook": _changes(["sub/.git/hooks/pre-commit", "file", True, 1], content=b"x"),
    "a device": _changes(["disk", "device", False, 0]),
    "a hard link": _changes(["two", "hardlink", False, 0]),
    "a file below a symlink": _changes(["d", "symlink", False, 4], ["d/passwd", "file", False, 1], content=b"/etcx"),
    "a path twice": _changes(["a", "file", False, 0], ["a", "symlink", False, 4], content=b"/etc"),
    "a claim of 8 EiB": _changes(["a", "file", False, (1 << 63) - 1]),
    "content nobody announced": _changes(content=b"x" * 4096),
    "a header of 4 GiB": _raw(0xFFFFFFFF, 0, b"{"),
    "content of 4 GiB": _raw(2, 0xFFFFFFFF, b"{}"),
    "a header nested without end": _raw(900_000, 0, b"[" * 900_000),
    "a header that is no object": _raw(2, 0, b"[]"),
    "no frame": lambda _: b"HTTP/1.1 200 OK\r\n\r\n",
    "an answer to nobody": lambda _: encode({"id": json.dumps("x"), "ok": True}),
}


@checks("a runner that lies loses its box, and nothing it says is believed")
def lies(ground: Ground) -> str:
    require(isinstance(ground.box, ChannelBox), "boxes of this backend do not read answers as all others do")
    for what, answer in ANSWERS.items():
        with liar(answer) as box:
            try:
                found = box.get_changes(max_bytes=1 << 20, max_files=100)
            except BoxLost:
                continue
            except Exception as error:
                raise Breach(f"{what}: {type(error).__name__}: {error}") from error
        raise Breach(f"{what} was believed: {sorted(found)[:3]}")
    return ", ".join(ANSWERS)
