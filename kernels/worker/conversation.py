"""A worker's side of the line: says hello with the token it was started with, then answers one request at a time."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kernels.messages import Decoder, Json, Kind, Message, Tensor, encode

_MOST_BYTES = 8 << 30
_MOST_TEXT = 4000
Answer = tuple[Json, Sequence[Tensor]]
Operation = Callable[[Json, Sequence[Tensor]], Answer]


class Trouble(Exception):
    """What kept a request from being carried out: `what` is one of a few words, `line` one of the program's."""

    def __init__(self, what: str, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.what, self.text, self.line = what, text, line


def converse(operations: Mapping[str, Operation], device: str = "") -> None:
    """Serves until the other end closes. The port is the last argument; the token comes by standard input. `device`:
    the UUID of the one that is computed on, told before anything of anybody else's is here.

    A candidate's code can reach all of it: whoever is at the other end believes nothing that it has not checked.
    """
    token = os.read(0, 16)
    line = socket.create_connection(("127.0.0.1", int(sys.argv[-1])), 20)
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    receive, send = line.recv, line.sendall
    _say(send, Message(Kind.hello, token, {"device": device}))
    decoder = Decoder(_MOST_BYTES)
    while data := receive(1 << 20):
        for message in decoder.feed(data):
            try:
                head, tensors = operations[message.head["do"]](message.head, message.tensors)
                answer = Message(Kind.answer, message.nonce, head, tensors)
            except Trouble as trouble:
                told = {"what": trouble.what, "text": trouble.text[:_MOST_TEXT], "line": trouble.line}
                answer = Message(Kind.trouble, message.nonce, told)
            _say(send, answer)


def _say(send: Callable[[Any], object], message: Message) -> None:
    """`send` takes any buffer whole, as a socket's `sendall` does."""
    for part in encode(message):
        send(part)


def told(error: BaseException, file: str) -> tuple[str, int | None]:
    """An error in a line, with the last line of `file` that it came through."""
    text = ""
    with contextlib.suppress(Exception):  # an exception's own text may be code of the candidate's
        text = str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{type(error).__name__}: {text}"[:_MOST_TEXT], lines[-1] if lines else None
