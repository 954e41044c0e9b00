"""The streams of a program executed in a pod, over a websocket, as the transport of a box.

The websocket is driven here and not by kubernetes.stream: that client polls, copies its buffers and closes nothing. A
TLS connection may not be read and written at once by two threads, so each operation is non-blocking, under a lock,
and the waiting is done without it.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable

from .framing import ENDING, STDERR, STDIN, STDOUT, Decoder, FramingError, Op, encode

_PIECE = 128 << 10
"""Bytes of one message: large enough to cost little, small enough that a pong or a close need not wait long."""
_STALL_S = 60.0
_PING_S = 20.0
"""Load balancers end connections on which nothing is said; 60 s is the shortest patience in use."""
_WORDS = 4000

Explain = Callable[[str], str]


class ExecStream:
    """Standard input and output of the program as a byte stream. `explain` turns how it ended into why (see `ending`).

    `sock` is connected and past the handshake; it is this object's from now on.
    """

    def __init__(
        self, sock: socket.socket, explain: Explain = str, *, stall_s: float = _STALL_S, ping_s: float = _PING_S
    ) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._explain = explain
        self._stall_s = stall_s
        self._ping_s = ping_s
        self._turn = threading.Lock()
        self._writing = threading.Lock()
        self._decoder = Decoder()
        self._arrived: deque[bytes] = deque()
        self._stderr = b""
        self._status = ""
        self._over = False
        self._closed = False
        self._ending: str | None = None
        self._ending_lock = threading.Lock()

    def read(self) -> bytes:
        while not self._arrived:
            if self._closed:
                return b""
            if self._over:
                raise OSError(self.ending())
            try:
                self._take(self._receive())
            except OSError as error:
                raise OSError(self.ending(str(error))) from None
        return self._arrived.popleft()

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            for start in range(0, len(view), _PIECE):
                self._send(encode(Op.BINARY, bytes([STDIN]), view[start : start + _PIECE]))
        except TimeoutError:
            raise
        except OSError as error:
            raise OSError(self.ending(str(error))) from None

    def close(self) -> None:
        """Ends the stream and wakes who reads; the descriptor stays open until `dispose`."""
        if self._closed:
            return
        with contextlib.suppress(OSError), self._turn:
            self._socket.send(encode(Op.CLOSE, b"\x03\xe8"))
        self._closed = True
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS layer away under the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Closes the descriptor; to be called when nobody reads or writes any more."""
        self.close()
        self._socket.close()

    def ending(self, words: str = "") -> str:
        """Why the stream ended: what the program and the kubelet said, explained. Asked once."""
        with self._ending_lock:
            if self._ending is None:
                said = self._stderr.decode(errors="replace").strip() or self._status or words or "it ended"
                self._ending = self._explain(said)
            return self._ending

    def _take(self, data: bytes) -> None:
        if not data:
            self._over = True
            return
        try:
            messages = self._decoder.feed(data)
        except FramingError as error:
            raise OSError(f"no websocket: {error}") from None
        for message in messages:
            if message.op is Op.PING:
                self._send(encode(Op.PONG, message.data))
            elif message.op is Op.CLOSE:
                self._over = True
            elif message.op is not Op.PONG and len(message.data) > 1:
                if message.channel == STDOUT:
                    self._arrived.append(message.data[1:])
                elif message.channel == STDERR:
                    self._stderr = (self._stderr + message.data[1:])[-_WORDS:]
                elif message.channel == ENDING:
                    self._status = status_words(message.data[1:])
                    self._over = True

    def _receive(self) -> bytes:
        while True:
            want = select.POLLIN
            with self._turn:
                if self._closed:
                    return b""
                try:
                    return self._socket.recv(1 << 18)
                except (ssl.SSLWantReadError, BlockingIOError):
                    pass
                except ssl.SSLWantWriteError:
                    want = select.POLLOUT
                except ssl.SSLEOFError:
                    return b""
            if not self._ready(want, self._ping_s):
                self._send(encode(Op.PING))

    def _send(self, frame: bytes) -> None:
        """One whole frame; those of two threads are never mixed. TimeoutError, OSError."""
        view = memoryview(frame)
        deadline = time.monotonic() + self._stall_s
        with self._writing:
            while view:
                want = select.POLLOUT
                with self._turn:
                    if self._closed:
                        raise BrokenPipeError("it was closed")
                    try:
                        view = view[self._socket.send(view) :]
                        continue
                    except (ssl.SSLWantWriteError, BlockingIOError):
                        pass
                    except ssl.SSLWantReadError:
                        want = select.POLLIN
                if not self._ready(want, deadline - time.monotonic()):
                    raise TimeoutError(f"the box took no input for {self._stall_s:.0f} s")

    def _ready(self, want: int, seconds: float) -> bool:
        """Waits until the socket is ready, or so long."""
        poll = select.poll()
        poll.register(self._socket, want)
        return bool(poll.poll(max(0.0, seconds) * 1000))


def status_words(data: bytes) -> str:
    """What a Status on the ending channel says; empty for success. Never raises: anybody may have written it."""
    try:
        status = json.loads(data)
    except ValueError:
        return data[:_WORDS].decode(errors="replace")
    if not isinstance(status, dict) or status.get("status") == "Success":
        return ""
    return str(status.get("message") or status.get("reason") or "it failed")[:_WORDS]
