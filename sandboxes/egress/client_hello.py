"""The server name a TLS connection asks for, read from its first bytes. Pure. Form: RFC 8446 section 4, RFC 6066.

A tunnel to an allowed name could ask a shared front (a content network) for any other name it serves. So what a
tunnel's TLS asks for has to be the name it was opened for.
"""

from __future__ import annotations

from .policy import Refusal

HELLO_LIMIT = 64 << 10
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME = 22, 1, 0


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise Refusal("the TLS greeting is malformed", 400)
        self._at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size: int) -> _Cursor:
        """What a length of `size` bytes announces."""
        return _Cursor(self.take(self.number(size)))

    @property
    def left(self) -> bool:
        return self._at < len(self._data)


def is_tls(data: bytes) -> bool:
    """Whether a stream that starts so is TLS. `data` holds at least one byte."""
    return data[0] == _HANDSHAKE


def server_name(data: bytes) -> str | None:
    """The name the greeting at the start of `data` asks for, None while it is not whole.

    Refusal when it is malformed, larger than 64 KiB or asks for no name.
    """
    message = _message(data)
    if message is None:
        return None
    cursor = _Cursor(message)
    cursor.take(2 + 32)  # version and random
    cursor.block(1)  # session id
    cursor.block(2)  # cipher suites
    cursor.block(1)  # compression methods
    extensions = cursor.block(2) if cursor.left else _Cursor(b"")
    while extensions.left:
        kind, body = extensions.number(2), extensions.block(2)
        if kind == _SERVER_NAME:
            names = body.block(2)
            if names.number(1) == 0:
                return names.take(names.number(2)).decode("ascii", "replace").rstrip(".").lower()
    raise Refusal("TLS without a server name cannot be told from TLS to somewhere else")


def _message(data: bytes) -> bytes | None:
    """The handshake message, put together from its records; None while it is not whole."""
    message, at = b"", 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        if len(message) >= 4 and int.from_bytes(message[1:4], "big") > HELLO_LIMIT:
            raise Refusal("the TLS greeting is too long", 400)
        if len(data) < at + 5:
            return None
        if data[at] != _HANDSHAKE:
            raise Refusal("the TLS greeting is malformed", 400)
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if size == 0 or size > 1 << 14:
            raise Refusal("the TLS greeting is malformed", 400)
        if len(data) < at + 5 + size:
            return None
        message += data[at + 5 : at + 5 + size]
        at += 5 + size
        if message[0] != _CLIENT_HELLO:
            raise Refusal("the TLS greeting is malformed", 400)
    return message[4 : 4 + int.from_bytes(message[1:4], "big")]
