"""The streams of a program executed in a pod, over a websocket, as the transport of a box.

The websocket is driven here and not by kubernetes.stream: that client polls, copies its buffers and closes nothing.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable

from ..shared_socket import STALL_S, SharedSocket
from .framing import ENDING, STDERR, STDIN, STDOUT, Decoder, FramingError, Op, encode

_PIECE = 128 << 10
"""Bytes of one message: large enough to cost little, small enough that a pong or a close need not wait long."""
_PING_S = 20.0
"""Load balancers end connections on which nothing is said; 60 s is the shortest patience in use."""
_WORDS = 4000

Explain = Callable[[str], str]


class ExecStream:
    """Standard input and output of the program as a byte stream. `explain` turns how it ended into why (see `ending`).

    `sock` is connected and past the handshake; it is this object's from now on.
    """

    def __init__(
        self, sock: socket.socket, explain: Explain = str, *, stall_s: float = STALL_S, ping_s: float = _PING_S
    ) -> None:
        self._socket = SharedSocket(sock, stall_s)
        self._explain = explain
        self._ping_s = ping_s
        self._decoder = Decoder()
        self._arrived: deque[bytes] = deque()
        self._stderr = b""
        self._status = ""
        self._over = False
        self._ending: str | None = None
        self._ending_lock = threading.Lock()

    def read(self) -> bytes:
        while not self._arrived:
            if self._socket.closed:
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
                self._socket.send(encode(Op.BINARY, bytes([STDIN]), view[start : start + _PIECE]))
        except TimeoutError:
            raise
        except OSError as error:
            raise OSError(self.ending(str(error))) from None

    def close(self) -> None:
        """Ends the stream and wakes who reads; the descriptor stays open until `dispose`."""
        self._socket.close(encode(Op.CLOSE, b"\x03\xe8"))

    def dispose(self) -> None:
        """Closes the descriptor; to be called when nobody reads or writes any more."""
        self._socket.dispose()

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
                self._socket.send(encode(Op.PONG, message.data))
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
        while (data := self._socket.receive(self._ping_s)) is None:
            self._socket.send(encode(Op.PING))
        return data


def status_words(data: bytes) -> str:
    """What a Status on the ending channel says; empty for success. Never raises: anybody may have written it."""
    try:
        status = json.loads(data)
    except ValueError:
        return data[:_WORDS].decode(errors="replace")
    if not isinstance(status, dict) or status.get("status") == "Success":
        return ""
    return str(status.get("message") or status.get("reason") or "it failed")[:_WORDS]
