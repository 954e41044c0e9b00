"""The runner's end of the stream: frames in and out over two descriptors, never blocking."""

from __future__ import annotations

import os
import selectors
from collections import deque

from .frames import PAYLOAD_LIMIT, Decoder, Frame, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HIGH_WATER = 8 << 20


class Link:
    """Sends frames as the host takes them. `lost` once the host has gone away."""

    def __init__(self, selector: selectors.BaseSelector, in_fd: int, out_fd: int) -> None:
        self._selector = selector
        self._in, self._out = in_fd, out_fd
        self._decoder = Decoder()
        self._queue: deque[memoryview] = deque()
        self._size = 0
        self.lost = False
        for fd in (in_fd, out_fd):
            os.set_blocking(fd, False)

    @property
    def full(self) -> bool:
        """True when so much waits to be sent that producers should pause."""
        return self._size >= _HIGH_WATER

    @property
    def empty(self) -> bool:
        return not self._queue

    def receive(self) -> list[Frame]:
        """The frames that have arrived. ProtocolError."""
        try:
            data = os.read(self._in, 1 << 20)
        except BlockingIOError:
            return []
        if not data:
            self._lose()
        return self._decoder.feed(data)

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        data = encode(header, payload)
        if self.lost:
            return
        self._queue.append(memoryview(data))
        self._size += len(data)
        if len(self._queue) == 1:
            self._selector.register(self._out, selectors.EVENT_WRITE, self.transmit)
            self.transmit()

    def send_body(self, header: dict[str, Any], body: bytes, *, more: bool = False) -> None:
        """One message with a body of any size, in as many frames as it takes."""
        view = memoryview(body)
        while True:
            part, view = view[:PAYLOAD_LIMIT], view[PAYLOAD_LIMIT:]
            self.send({**header, "more": bool(view) or more}, bytes(part))
            if not view:
                return
            header = {"id": header["id"], "ok": True}

    def transmit(self) -> None:
        try:
            while self._queue:
                sent = os.write(self._out, self._queue[0])
                self._size -= sent
                self._queue[0] = self._queue[0][sent:]
                if not self._queue[0]:
                    self._queue.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._lose()
            return
        self._selector.unregister(self._out)

    def close(self) -> None:
        """Closes both descriptors, sent or not."""
        self._lose()
        self._selector.unregister(self._in)
        for fd in {self._in, self._out}:
            os.close(fd)

    def _lose(self) -> None:
        """Nobody listens any more: what was to be said is dropped."""
        self.lost = True
        if self._queue:
            self._selector.unregister(self._out)
        self._queue.clear()
        self._size = 0
