"""What broker and worker say to each other: one kind of message each way, every length checked before it is believed.

| bytes | meaning |
|---|---|
| 4 | magic `FHK1` |
| 1 | kind (`Kind`) |
| 3 | zero |
| 16 | nonce: the broker's, which the answer repeats |
| 4 | length of the head, unsigned, big-endian, at most 64 KiB |
| 8 | length of the tensors together, unsigned, big-endian |
| ... | head: one JSON object, ASCII |
| ... | the tensors' elements one after the other, in the order of the head's `tensors` |

Nothing is unpickled and nothing a candidate sends is a verdict: it answers with tensors, and what they are worth is
found out elsewhere. Pure: bytes in, messages out.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from kernels.tensors import TensorSpec

MAGIC = b"FHK1"
NONCE_BYTES = 16
MOST_HEAD = 64 << 10
MOST_TENSORS = 1024
_HEADER = struct.Struct(">4sB3s16sIQ")
Json = dict[str, Any]


class Kind(IntEnum):
    """`hello` is the worker's, once; then each request has one answer or `trouble`."""

    hello = 1
    request = 2
    answer = 3
    trouble = 4


class ProtocolError(Exception):
    """Bytes that are no message, or not the one that was due. The text names no byte of the message."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's description with its elements."""

    spec: TensorSpec
    data: bytes | bytearray | memoryview

    def __post_init__(self) -> None:
        if len(memoryview(self.data).cast("B")) != self.spec.bytes:
            raise ValueError(f"{self.spec} needs {self.spec.bytes} bytes")


@dataclass(frozen=True, slots=True)
class Message:
    """`head` is JSON, without its `tensors`, which stand beside it."""

    kind: Kind
    nonce: bytes
    head: Json = field(default_factory=dict)
    tensors: Sequence[Tensor] = ()


def encode(message: Message) -> Iterator[bytes | bytearray | memoryview]:
    """The message's bytes in parts, none of which copies a tensor. ValueError when it would be too long to be read."""
    head = head_bytes(message.head, message.tensors)
    if len(message.nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    length = sum(one.spec.bytes for one in message.tensors)
    yield _HEADER.pack(MAGIC, message.kind, b"\0\0\0", message.nonce, len(head), length) + head
    for one in message.tensors:
        yield one.data


def head_bytes(head: Json, tensors: Sequence[Tensor]) -> bytes:
    """How a message with these begins. ValueError where more is to be said of it than is read."""
    if len(tensors) > MOST_TENSORS:
        raise ValueError(f"one message has {len(tensors)} tensors, at most {MOST_TENSORS} are read")
    specs = [[one.spec.dtype, list(one.spec.shape)] for one in tensors]
    found = json.dumps({**head, "tensors": specs}, allow_nan=False).encode("ascii")
    if len(found) > MOST_HEAD:
        raise ValueError(f"{len(found)} bytes describe what one message holds, at most {MOST_HEAD} are read")
    return found


class Decoder:
    """Bytes in, whole messages out. `most_bytes`: how long the tensors of one message may be, together.

    After a ProtocolError it takes nothing more: what follows cannot be told apart from noise.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._data = bytearray()
        self._header: tuple[Kind, bytes, int, int] | None = None
        self._broken = False

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """The messages that are complete now. ProtocolError."""
        if self._broken:
            raise ProtocolError("an earlier message was none")
        self._data += data
        found: list[Message] = []
        try:
            while (message := self._next()) is not None:
                found.append(message)
        except ProtocolError:
            self._broken = True
            self._data.clear()
            raise
        return found

    def finish(self) -> None:
        """The stream has ended. ProtocolError when it did so within a message."""
        if self._data or self._header is not None:
            raise ProtocolError("the stream ended within a message")

    def _next(self) -> Message | None:
        if self._header is None:
            if len(self._data) < _HEADER.size:
                if not MAGIC.startswith(bytes(self._data[: len(MAGIC)])[: len(MAGIC)]):
                    raise ProtocolError("it does not begin as a message does")
                return None
            self._header = self._read_header()
        kind, nonce, head_length, length = self._header
        end = _HEADER.size + head_length + length
        if len(self._data) < end:
            return None
        head = _object(bytes(self._data[_HEADER.size : _HEADER.size + head_length]))
        specs = _specs(head.pop("tensors", None))
        if sum(spec.bytes for spec in specs) != length:
            raise ProtocolError("its tensors have another length than it says")
        tensors: list[Tensor] = []
        at = _HEADER.size + head_length
        for spec in specs:
            tensors.append(Tensor(spec, bytes(memoryview(self._data)[at : at + spec.bytes])))
            at += spec.bytes
        del self._data[:end]
        self._header = None
        return Message(kind, nonce, head, tensors)

    def _read_header(self) -> tuple[Kind, bytes, int, int]:
        magic, kind, zero, nonce, head_length, length = _HEADER.unpack_from(self._data)
        if magic != MAGIC or zero != b"\0\0\0":
            raise ProtocolError("it does not begin as a message does")
        if kind not in Kind.__members__.values():
            raise ProtocolError("there is no such kind of message")
        if head_length > MOST_HEAD:
            raise ProtocolError(f"its head has {head_length} bytes, at most {MOST_HEAD} are read")
        if length > self.most_bytes:
            raise ProtocolError(f"its tensors have {length} bytes, at most {self.most_bytes} were asked for")
        return Kind(kind), nonce, head_length, length


def expect(message: Message, nonce: bytes, *kinds: Kind) -> Message:
    """The message, when it is one of `kinds` and answers what was asked. ProtocolError."""
    if message.nonce != nonce:
        raise ProtocolError("it answers something that was not asked")
    if message.kind not in kinds:
        raise ProtocolError(f"{message.kind.name} came where {' or '.join(kind.name for kind in kinds)} was due")
    return message


def _object(data: bytes) -> Json:
    try:
        head = json.loads(data.decode("ascii"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"its head is no JSON ({type(error).__name__})") from None
    if not isinstance(head, dict):
        raise ProtocolError("its head is no JSON object")
    return head


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _specs(listed: Any) -> list[TensorSpec]:
    if not isinstance(listed, list) or len(listed) > MOST_TENSORS:
        raise ProtocolError("it does not say which tensors it has")
    found: list[TensorSpec] = []
    for one in listed:
        if not isinstance(one, list) or len(one) != 2 or not isinstance(one[0], str) or not isinstance(one[1], list):
            raise ProtocolError("a tensor is not described by dtype and shape")
        try:
            found.append(TensorSpec(one[0], tuple(one[1])))
        except ValueError as error:
            raise ProtocolError(str(error)) from None
    return found
