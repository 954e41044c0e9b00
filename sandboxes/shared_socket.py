"""A socket, plain or TLS, that one thread reads while others write: what carries the streams of engines and clusters.

A TLS connection must not be used by two threads at once, so each operation is non-blocking and under a lock, and the
waiting is done without it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

STALL_S = 60.0
_CHUNK = 1 << 18


class SharedSocket:
    """`sock` is this object's from now on. `stall_s`: how long the other end may take nothing that is sent."""

    def __init__(self, sock: socket.socket, stall_s: float = STALL_S) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._stall_s = stall_s
        self._turn = threading.Lock()
        self._writing = threading.Lock()
        self.closed = False

    def receive(self, patience: float | None = None) -> bytes | None:
        """What has come; empty at the end and after `close`; None when nothing came for `patience` seconds. OSError."""
        while True:
            want = select.POLLIN
            with self._turn:
                if self.closed:
                    return b""
                try:
                    return self._socket.recv(_CHUNK)
                except (ssl.SSLWantReadError, BlockingIOError):
                    pass
                except ssl.SSLWantWriteError:
                    want = select.POLLOUT
                except ssl.SSLEOFError:
                    return b""
            if not self._ready(want, patience):
                return None

    def send(self, data: bytes | memoryview) -> None:
        """All of `data`, never mixed with another thread's. TimeoutError, BrokenPipeError once closed, OSError."""
        view = memoryview(data)
        with self._writing:
            deadline = time.monotonic() + self._stall_s
            while view:
                want = select.POLLOUT
                with self._turn:
                    if self.closed:
                        raise BrokenPipeError("it was closed")
                    try:
                        view = view[self._socket.send(view[:_CHUNK]) :]
                        deadline = time.monotonic() + self._stall_s
                        continue
                    except (ssl.SSLWantWriteError, BlockingIOError):
                        pass
                    except ssl.SSLWantReadError:
                        want = select.POLLIN
                if not self._ready(want, deadline - time.monotonic()):
                    raise TimeoutError(f"the box took no input for {self._stall_s:.0f} s")

    def close(self, farewell: bytes = b"") -> None:
        """Ends the stream and wakes who reads, after `farewell` if that can be sent at once; the descriptor stays open
        until `dispose`. May be called more than once, from any thread."""
        if self.closed:
            return
        if farewell:
            with contextlib.suppress(OSError), self._turn:
                self._socket.send(farewell)
        self.closed = True
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS layer away under the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Closes the descriptor; to be called when nobody reads or writes any more."""
        self.close()
        self._socket.close()

    def _ready(self, want: int, seconds: float | None) -> bool:
        poll = select.poll()
        poll.register(self._socket, want)
        return bool(poll.poll(None if seconds is None else max(0.0, seconds) * 1000))
