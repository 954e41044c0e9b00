"""The streams of a container or of a program executed in one, as the transport of a box.

What comes from the engine is a raw stream in frames of 8 bytes header (stream, three zeros, size, big-endian) and
payload; what goes there is plain bytes. Source: Docker Engine API 1.41, ContainerAttach, "Stream format".
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxI")
_STALL_S = 60.0
_WORDS = 4000
_CHUNK = 1 << 18

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

    `sock` is past the engine's answer; it is this object's from now on. It may be a TLS connection, which two threads
    must not use at once: so each operation is non-blocking and under a lock, and the waiting is done without it.
    """

    def __init__(self, sock: socket.socket, explain: Explain, *, early: bytes = b"", stall_s: float = _STALL_S) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._explain = explain
        self._stall_s = stall_s
        self._turn = threading.Lock()
        self._frames = Frames()
        self._early = early
        self._stderr = b""
        self._closed = False

    def read(self) -> bytes:
        while True:
            data = self._receive()
            if not data:
                if self._closed:
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
        view = memoryview(data)
        deadline = time.monotonic() + self._stall_s
        while view:
            want = select.POLLOUT
            with self._turn:
                if self._closed:
                    raise BrokenPipeError("it was closed")
                try:
                    view = view[self._socket.send(view[:_CHUNK]) :]
                    deadline = time.monotonic() + self._stall_s
                    continue
                except (ssl.SSLWantWriteError, BlockingIOError):
                    pass
                except ssl.SSLWantReadError:
                    want = select.POLLIN
            if not self._wait(want, max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"the box took no input for {self._stall_s:.0f} s")

    def close(self) -> None:
        """Ends the stream and wakes who reads; the descriptor stays open until `dispose`."""
        self._closed = True
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS layer away under the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Closes the descriptor; to be called when nobody reads or writes any more."""
        self.close()
        self._socket.close()

    def _receive(self) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        while True:
            want = select.POLLIN
            with self._turn:
                if self._closed:
                    return b""
                try:
                    return self._socket.recv(_CHUNK)
                except (ssl.SSLWantReadError, BlockingIOError):
                    pass
                except ssl.SSLWantWriteError:
                    want = select.POLLOUT
                except (ssl.SSLEOFError, ConnectionResetError):
                    return b""
            self._wait(want, None)

    def _wait(self, want: int, seconds: float | None) -> bool:
        poll = select.poll()
        poll.register(self._socket, want)
        return bool(poll.poll(None if seconds is None else seconds * 1000))
