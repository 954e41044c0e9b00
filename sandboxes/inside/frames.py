"""The wire format between host and runner: length-framed messages, without any I/O.

A frame is the magic `FHB1`, two unsigned 32-bit big-endian lengths (header, payload), a JSON object, and raw bytes.
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAGIC = b"FHB1"
PROTOCOL = 1
HEADER_LIMIT = 1 << 20
PAYLOAD_LIMIT = 4 << 20
_PREFIX = struct.Struct(">4sII")


class ProtocolError(Exception):
    """Bytes that are not this protocol. After it a stream has no meaning and must be closed."""


class Frame:
    """One message: a JSON object and bytes."""

    __slots__ = ("header", "payload")

    def __init__(self, header: dict[str, Any], payload: bytes = b"") -> None:
        self.header = header
        self.payload = payload

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and (self.header, self.payload) == (other.header, other.payload)

    __hash__ = None  # type: ignore[assignment]  # mutable header: must not be a key

    def __repr__(self) -> str:
        return f"Frame({self.header!r}, {len(self.payload)} bytes)"


def encode(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame as bytes. ProtocolError when a part is larger than its limit."""
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    if len(head) > HEADER_LIMIT:
        raise ProtocolError(f"header of {len(head)} bytes, at most {HEADER_LIMIT} are allowed")
    if len(payload) > PAYLOAD_LIMIT:
        raise ProtocolError(f"payload of {len(payload)} bytes, at most {PAYLOAD_LIMIT} are allowed")
    return b"".join((_PREFIX.pack(MAGIC, len(head), len(payload)), head, payload))


class Decoder:
    """Turns a byte stream, cut anywhere, into frames. After a ProtocolError it stays refused."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._error: ProtocolError | None = None

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame; not 0 at the end of a stream means that the stream was cut."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. ProtocolError."""
        if self._error:
            raise self._error
        self._buffer += data
        frames = []
        try:
            while frame := self._take():
                frames.append(frame)
        except ProtocolError as error:
            self._error = error
            self._buffer.clear()
            # What came before the fault is lost with the stream: nobody may act on half a conversation.
            raise
        return frames

    def _take(self) -> Frame | None:
        buffer = self._buffer
        if not MAGIC.startswith(bytes(buffer[: len(MAGIC)])):
            raise ProtocolError(f"not a frame of protocol {PROTOCOL}: starts with {bytes(buffer[:4])!r}")
        if len(buffer) < _PREFIX.size:
            return None
        _, head, body = _PREFIX.unpack_from(buffer)
        if head > HEADER_LIMIT:
            raise ProtocolError(f"announced header of {head} bytes, at most {HEADER_LIMIT} are allowed")
        if body > PAYLOAD_LIMIT:
            raise ProtocolError(f"announced payload of {body} bytes, at most {PAYLOAD_LIMIT} are allowed")
        end = _PREFIX.size + head + body
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            text, payload = bytes(view[_PREFIX.size : _PREFIX.size + head]), bytes(view[_PREFIX.size + head : end])
        del buffer[:end]
        return Frame(_object(text), payload)


def _object(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"header is not JSON: {type(error).__name__}") from None
    if not isinstance(header, dict):
        raise ProtocolError(f"header is a JSON {type(header).__name__}, not an object")
    return header
