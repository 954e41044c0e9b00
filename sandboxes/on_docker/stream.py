"""The streams of a container or of a program executed in one, as the transport of a box.

What comes from the engine is a raw stream in frames of 8 bytes header (stream, three zeros, size, big-endian) and
payload; what goes there is plain bytes. Source: Docker Engine API 1.41, ContainerAttach, "Stream format".
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from ..shared_socket import STALL_S, SharedSocket

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxI")
_WORDS = 4000

Explain = Callable[[str], str]


class Frames:
    """Takes a raw stream apart, however it is cut."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(stream, payload) for all of `data`; a frame's payload may come in several pieces. ValueError."""
        found = []
        view = memoryview(data)
        while view:
            if self._left == 0:
                take = _HEADER.size - len(self._header)
                self._header += view[:take]
                view = view[take:]
                if len(self._header) < _HEADER.size:
                    break
                self._stream, self._left = _HEADER.unpack(self._header)
                if self._stream not in (STDOUT, STDERR) or self._header[1:4] != b"\0\0\0":
                    raise ValueError(f"the engine's stream has no frame where {self._header!r} is")
                self._header = b""
                continue
            part = view[: self._left]
            self._left -= len(part)
            view = view[len(part) :]
            found.append((self._stream, bytes(part)))
        return found


class EngineStream:
    """A Transport. `explain` turns what was last said on standard error into why the stream ended; it is asked once.

    `sock` is past the engine's answer; it is this object's from now on.
    """

    def __init__(self, sock: socket.socket, explain: Explain, *, early: bytes = b"", stall_s: float = STALL_S) -> None:
        self._socket = SharedSocket(sock, stall_s)
        self._explain = explain
        self._frames = Frames()
        self._early = early
        self._stderr = b""

    def read(self) -> bytes:
        while True:
            data = self._receive()
            if not data:
                if self._socket.closed:
                    return b""
                raise OSError(self._explain(self._stderr.decode(errors="replace").strip()))
            out = []
            try:
                for stream, part in self._frames.feed(data):
                    if stream == STDOUT:
                        out.append(part)
                    else:
                        self._stderr = (self._stderr + part)[-_WORDS:]
            except ValueError as error:
                raise OSError(str(error)) from None
            if out:
                return b"".join(out)

    def write(self, data: bytes) -> None:
        self._socket.send(data)

    def close(self) -> None:
        self._socket.close()

    def dispose(self) -> None:
        """Closes the descriptor; to be called when nobody reads or writes any more."""
        self._socket.dispose()

    def _receive(self) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        try:
            return self._socket.receive() or b""
        except ConnectionResetError:
            return b""
