"""Websocket frames (RFC 6455) and the channels Kubernetes runs over them, without any I/O.

Each binary message begins with a channel number: 0 is the program's standard input, 1 and 2 its output, 3 how it
ended as a JSON Status; in `v5.channel.k8s.io` 255 says that a channel is closed.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import IntEnum

STDIN, STDOUT, STDERR, ENDING = 0, 1, 2, 3
MESSAGE_LIMIT = 16 << 20
"""Servers send pieces of a pipe, 32 KiB each; what claims to be larger than this is not one of theirs."""


class Op(IntEnum):
    """Frame types of RFC 6455, section 5.2."""

    MORE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FramingError(Exception):
    """Bytes that are no websocket frames of a server."""


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message or control frame."""

    op: Op
    data: bytes

    @property
    def channel(self) -> int:
        return self.data[0] if self.data else -1


def encode(op: Op, *parts: bytes | memoryview) -> bytes:
    """One masked frame, as a client must send it, of the joined `parts`."""
    size = sum(map(len, parts))
    head = bytes([0x80 | op])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += struct.pack(">BH", 0x80 | 126, size)
    else:
        head += struct.pack(">BQ", 0x80 | 127, size)
    key = os.urandom(4)
    return b"".join((head, key, _masked(b"".join(parts), key)))


def _masked(data: bytes, key: bytes) -> bytes:
    """Exclusive or with the repeated key: on whole numbers, since a loop over bytes would cost 100 times as much."""
    repeated = key * (len(data) // 4 + 1)
    number = int.from_bytes(data, "little") ^ int.from_bytes(repeated[: len(data)], "little")
    return number.to_bytes(len(data), "little")


class Decoder:
    """Messages out of a server's bytes, however they are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._pieces: list[bytes] = []
        self._op: Op | None = None

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now. FramingError."""
        self._buffer += data
        found: list[Message] = []
        start = 0
        while (frame := self._frame(start)) is not None:
            op, final, payload, start = frame
            if (message := self._assembled(op, final, payload)) is not None:
                found.append(message)
        del self._buffer[:start]
        return found

    def _frame(self, start: int) -> tuple[Op, bool, bytes, int] | None:
        """The frame at `start`: its type, whether it ends a message, its payload and its end."""
        buffer, have = self._buffer, len(self._buffer) - start
        if have < 2:
            return None
        first, second = buffer[start], buffer[start + 1]
        if first & 0x70 or second & 0x80:
            raise FramingError("a frame with reserved bits or a mask")
        try:
            op = Op(first & 0x0F)
        except ValueError:
            raise FramingError(f"a frame of type {first & 0x0F}") from None
        size, head = second, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            if have < head:
                return None
            size = int.from_bytes(buffer[start + 2 : start + head], "big")
        if size > MESSAGE_LIMIT:
            raise FramingError(f"a frame of {size} bytes")
        if have < head + size:
            return None
        end = start + head + size
        return op, bool(first & 0x80), bytes(memoryview(buffer)[start + head : end]), end

    def _assembled(self, op: Op, final: bool, payload: bytes) -> Message | None:
        if op >= Op.CLOSE:
            if not final or len(payload) > 125:
                raise FramingError("a control frame in pieces")
            return Message(op, payload)
        if (op is Op.MORE) == (self._op is None):
            raise FramingError("pieces of messages out of order")
        if self._op is None and final:
            return Message(op, payload)
        self._op = op if self._op is None else self._op
        self._pieces.append(payload)
        if sum(map(len, self._pieces)) > MESSAGE_LIMIT:
            raise FramingError("a message beyond the limit")
        if not final:
            return None
        message = Message(self._op, b"".join(self._pieces))
        self._op, self._pieces = None, []
        return message
