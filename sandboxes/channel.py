"""The host's end of a runner: many threads' requests over one byte stream, with a deadline on every answer.

A backend supplies the `Transport` (a socket here, an attached exec socket for Docker, a websocket for Kubernetes)
and nothing else of the protocol, which docs/sandbox-protocol.md describes.
"""

from __future__ import annotations

import itertools
import select
import socket
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from .contract import BoxLost
from .inside.frames import PROTOCOL, Decoder, Frame, ProtocolError, encode

_STALL_S = 60.0


class Transport(Protocol):
    """A byte stream to a runner, in both directions."""

    def read(self) -> bytes:
        """Waits for some bytes; empty at the end of the stream. OSError."""

    def write(self, data: bytes) -> None:
        """Sends all of `data`. OSError when the other end is gone or takes nothing for a minute."""

    def close(self) -> None:
        """Ends the stream and wakes a `read` that waits. May be called more than once, from any thread."""


class SocketTransport:
    """A connected stream socket as a Transport."""

    def __init__(self, sock: socket.socket, *, stall_s: float = _STALL_S) -> None:
        self._socket = sock
        self._stall_ms = stall_s * 1000

    def read(self) -> bytes:
        return self._socket.recv(1 << 20)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        while view:
            try:
                view = view[self._socket.send(view, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                if not poll.poll(self._stall_ms):
                    raise TimeoutError(f"the runner took no input for {self._stall_ms / 1000:.0f} s") from None

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed by the other end, or already here


class Failure(Exception):
    """The runner refused a request; `code` is one of the error codes of the protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Part = tuple[dict[str, Any], bytes]


class Channel:
    """Requests and answers over a transport. Thread-safe. Once lost, every call raises BoxLost at once."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name
        self._ids = itertools.count(1)
        self._pending: dict[int, SimpleQueue[Frame | None]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._lost: str | None = None
        self.taken = False
        """Whether the runner said that another host has the box now: it is not ours to end any more."""
        self._reader = threading.Thread(target=self._read, name=f"box-{name}", daemon=True)
        self._reader.start()

    def hello(self, settings: dict[str, Any], *, patience: float) -> dict[str, Any]:
        """Opens the conversation; the runner's answer. BoxLost, Failure."""
        [frame] = self.call("hello", {"protocol": PROTOCOL, **settings}, patience=patience)
        if frame.header.get("protocol") != PROTOCOL:
            raise self.lose("the runner speaks another protocol")
        return frame.header

    def call(
        self, op: str, fields: dict[str, Any], parts: Iterable[Part] = (({}, b""),), *, patience: float | None
    ) -> Iterator[Frame]:
        """Sends a request of one or more parts and yields the frames of its answer.

        `patience`: seconds to wait for the first frame and between any two; None: as long as it takes.
        BoxLost, Failure.
        """
        request = next(self._ids)
        queue: SimpleQueue[Frame | None] = SimpleQueue()
        with self._lock:
            self._check()
            self._pending[request] = queue
        try:
            self._send(request, {"op": op, **fields}, parts, queue)
            yield from self._answers(queue, patience)
        except BaseException:
            if op == "run" and self._lost is None:
                # The caller gives up (an interrupt): its command must not go on unseen.
                self._write(encode({"id": next(self._ids), "op": "cancel", "target": request}))
            raise
        finally:
            with self._lock:
                self._pending.pop(request, None)

    def lose(self, why: str) -> BoxLost:
        """Declares the box lost, which fails all that waits; returns the error to raise."""
        with self._lock:
            self._lost = self._lost or why
            waiting = list(self._pending.values())
        self._transport.close()
        for queue in waiting:
            queue.put(None)
        return self._error()

    def join(self) -> None:
        """Waits until the reading thread is done with the transport."""
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def gone(self) -> BoxLost:
        """The error of a lost box, to raise."""
        return self._error()

    def _error(self) -> BoxLost:
        return BoxLost(f"the box {self._name} is lost", self._lost or "", "Make a new one and restore its workspace")

    def _check(self) -> None:
        if self._lost is not None:
            raise self._error()

    def _send(
        self, request: int, header: dict[str, Any], parts: Iterable[Part], answers: SimpleQueue[Frame | None]
    ) -> None:
        """One frame a part; stops early when an answer is there before the request is whole: a refusal."""
        held: Part | None = None
        for part in parts:
            if held is not None:
                self._write(encode({**header, **held[0], "id": request, "more": True}, held[1]))
                header = {}
                if not answers.empty():
                    return
            held = part
        extra, payload = held or ({}, b"")
        self._write(encode({**header, **extra, "id": request}, payload))

    def _write(self, data: bytes) -> None:
        with self._writing:
            self._check()
            try:
                self._transport.write(data)
            except OSError as error:
                raise self.lose(f"the connection broke ({error.strerror or error})") from None

    def _answers(self, queue: SimpleQueue[Frame | None], patience: float | None) -> Iterator[Frame]:
        while True:
            try:
                frame = queue.get(timeout=patience)
            except Empty:
                raise self.lose(f"no answer within {patience:.0f} s") from None
            if frame is None:
                raise self._error()
            if frame.header.get("ok") is not True:
                raise Failure(str(frame.header.get("error")), str(frame.header.get("message"))[:2000])
            yield frame
            if frame.header.get("more") is not True:
                return

    def _read(self) -> None:
        decoder = Decoder()
        why = "it ended"
        try:
            while data := self._transport.read():
                for frame in decoder.feed(data):
                    if frame.header.get("id") == 0 and frame.header.get("error") == "gone":
                        self.taken = True
                        raise OSError(str(frame.header.get("message"))[:500])
                    self._deliver(frame)
        except OSError as error:
            why = f"the connection broke ({error.strerror or error})"
        except ProtocolError as error:
            why = f"it does not speak the protocol ({error})"
        self.lose(why)

    def _deliver(self, frame: Frame) -> None:
        request = frame.header.get("id")
        if not isinstance(request, int):
            raise ProtocolError("an answer without an id")
        if request == 0:
            raise ProtocolError(str(frame.header.get("message"))[:500])
        with self._lock:
            queue = self._pending.get(request)
        if queue is not None:  # else the caller has given up
            queue.put(frame)
