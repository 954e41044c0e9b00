"""One stream with a program of a box that is at work: it connects to a port of the box's loopback, and the runner's
tunnel carries what it says to the host. Nothing new runs in the box."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from .channel import Channel, Failure
from .contract import BoxLost, SandboxError
from .inside.proxy import PIECE

_START_S = 20.0
_SENT_AT_ONCE = 1 << 20


class ChannelLine:
    """`contract.Line` over a box's channel. Whoever connects first has it; later ones are dismissed unheard."""

    def __init__(self, channel: Channel, name: str, port: int) -> None:
        self._channel, self._name = channel, name
        self._number: int | None = None
        self._arrived: SimpleQueue[bytes | None] = SimpleQueue()
        self._granted = False
        self._ended = False
        self._listening, self._taken = threading.Event(), threading.Event()
        self._refused: str | None = None
        threading.Thread(target=self._listen, args=(port,), name=f"line-{name}", daemon=True).start()
        if not self._listening.wait(_START_S) or self._refused is not None:
            raise SandboxError(f"the box {name} has no line", self._refused or "it does not listen")

    def accept(self, timeout: float) -> None:
        if not self._taken.wait(timeout):
            raise TimeoutError(f"no program of the box connected within {timeout:.0f} s")
        if self._number is None:
            raise self._channel.gone()

    def receive(self, timeout: float) -> bytes:
        number = self._connected()
        if self._ended:
            return b""
        if not self._granted:
            self._granted = True
            if not self._ask("tunnel_more", number):
                return b""
        try:
            data = self._arrived.get(timeout=max(0.0, timeout))
        except Empty:
            raise TimeoutError(f"the program said nothing for {timeout:.0f} s") from None
        self._granted = False
        if data is None:
            self._ended = True
            return b""
        return data

    def send(self, data: bytes | bytearray | memoryview, timeout: float) -> None:
        number = self._connected()
        view = memoryview(data).cast("B")
        deadline = time.monotonic() + timeout
        for start in range(0, len(view), _SENT_AT_ONCE):
            with self._until(deadline, number) as late:
                taken = self._ask("tunnel_send", number, bytes(view[start : start + _SENT_AT_ONCE]))
            if late.is_set():
                raise TimeoutError(f"the program took nothing more within {timeout:.0f} s")
            if not taken:
                raise ConnectionResetError("the program has closed its end")

    def close(self) -> None:
        if self._number is not None:
            with suppress(BoxLost):
                self._ask("tunnel_close", self._number)
        self._arrived.put(None)

    def _connected(self) -> int:
        if self._number is None:
            raise ValueError("nobody has connected yet: accept first")
        return self._number

    @contextmanager
    def _until(self, deadline: float, number: int) -> Iterator[threading.Event]:
        """Ends the connection at the deadline: the runner then answers a send that nobody takes."""
        late = threading.Event()

        def end() -> None:
            late.set()
            with suppress(BoxLost):
                self._ask("tunnel_close", number)

        timer = threading.Timer(max(0.001, deadline - time.monotonic()), end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _ask(self, op: str, number: int, data: bytes = b"") -> bool:
        """Whether the program was still there. BoxLost."""
        try:
            for frame in self._channel.call(op, {"connection": number, "end": False}, [({}, data)], patience=None):
                return frame.header.get("open") is not False
        except Failure:
            pass
        return False

    def _listen(self, port: int) -> None:
        try:
            for frame in self._channel.call("tunnel_listen", {"port": port}, patience=None):
                self._heard(frame.header.get("event"), frame.header.get("connection"), frame.payload)
        except Failure as refusal:
            self._refused = str(refusal)
        except BoxLost as loss:
            self._refused = str(loss)
        finally:
            self._listening.set()
            self._taken.set()
            self._arrived.put(None)

    def _heard(self, event: object, number: object, data: bytes) -> None:
        if event == "listening":
            self._listening.set()
        elif not isinstance(number, int):
            raise self._channel.lose("its line tells of no connection")
        elif event == "open":
            if self._number is None:
                self._number = number
                self._taken.set()
            else:
                # Not from this thread: its answer comes through it.
                threading.Thread(target=self._dismiss, args=(number,), name=f"line-{self._name}", daemon=True).start()
        elif number == self._number:
            if event == "data" and (not self._granted or not 0 < len(data) <= PIECE):
                raise self._channel.lose("its line sends more than it was asked for")
            self._arrived.put(data if event == "data" else None)

    def _dismiss(self, number: int) -> None:
        with suppress(BoxLost):
            self._ask("tunnel_close", number)
