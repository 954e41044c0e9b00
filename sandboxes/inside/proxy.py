"""A box's only way out: a listener on its loopback whose connections the host carries to where it lets them go.

Nothing is parsed or decided here. Each connection is told to the host, which answers for every byte; a connection is
read again only when the host has disposed of what was read before, and a request of the host's is answered only when
its bytes are with the client, so that neither side holds more than one piece of a connection.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable

from .workspace import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Send = Callable[[dict[str, Any], bytes], None]

MAX_CONNECTIONS = 64
PIECE = 256 << 10


class Connection:
    """One client. `awaited` is the host's request whose bytes (`pending`) are on their way to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pending = memoryview(b"")
        self.awaited: int | None = None
        self.reading = False
        self.end_when_sent = False
        self.mask = 0


class Proxy:
    """Listens for the host's request `listen`, and tells of it through `send`."""

    def __init__(self, selector: selectors.BaseSelector, send: Send) -> None:
        self._selector = selector
        self._send = send
        self._listener: socket.socket | None = None
        self._request = 0
        self._numbers = 0
        self._connections: dict[int, Connection] = {}

    def listen(self, request: int, port: int) -> None:
        """Opens the port on the loopback for the host that asks. Refused, OSError."""
        if self._listener is not None:
            raise Refused("bad_request", "the proxy listens already")
        listener = socket.create_server(("127.0.0.1", port), backlog=MAX_CONNECTIONS)
        listener.setblocking(False)
        self._listener, self._request = listener, request
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        self._tell({"event": "listening"})

    def close(self) -> None:
        """Forgets the host that asked: its connections end, and the port is free again."""
        for number in list(self._connections):
            self._drop(number)
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def send(self, request: int, number: int, data: bytes, *, end: bool) -> None:
        """Bytes for a client, answered when it has them; `end` shuts its reading side after them. Refused."""
        connection = self._connections.get(number)
        if connection is None:
            self._send({"id": request, "ok": True, "open": False}, b"")
            return
        if connection.awaited is not None:
            raise Refused("bad_request", "the last bytes for this connection are still on their way")
        connection.pending, connection.awaited = memoryview(data), request
        connection.end_when_sent = end
        self._write(number, connection)

    def more(self, number: int) -> None:
        """The host has disposed of what was read: reads on."""
        if connection := self._connections.get(number):
            connection.reading = True
            self._watch(number, connection)

    def drop(self, number: int) -> None:
        """Ends a connection at once."""
        if number in self._connections:
            self._drop(number)

    def _tell(self, event: dict[str, Any], data: bytes = b"") -> None:
        self._send({"id": self._request, "ok": True, "more": True, **event}, data)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # the client has gone again, or the process has no descriptor left for it
        if len(self._connections) >= MAX_CONNECTIONS:
            sock.close()
            return
        sock.setblocking(False)
        self._numbers += 1
        number, connection = self._numbers, Connection(sock)
        self._connections[number] = connection
        self._tell({"event": "open", "connection": number})
        self._watch(number, connection)

    def _watch(self, number: int, connection: Connection) -> None:
        mask = (selectors.EVENT_READ if connection.reading else 0) | (
            selectors.EVENT_WRITE if connection.pending else 0
        )
        if mask == connection.mask:
            return
        if not mask:
            self._selector.unregister(connection.sock)
        elif not connection.mask:
            self._selector.register(connection.sock, mask, lambda: self._ready(number, connection))
        else:
            self._selector.modify(connection.sock, mask, lambda: self._ready(number, connection))
        connection.mask = mask

    def _ready(self, number: int, connection: Connection) -> None:
        if connection.pending:
            self._write(number, connection)
        if connection.reading and number in self._connections:
            self._read(number, connection)

    def _read(self, number: int, connection: Connection) -> None:
        try:
            data = connection.sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._lost(number)
            return
        connection.reading = False
        self._watch(number, connection)
        self._tell({"event": "data" if data else "end", "connection": number}, data)

    def _write(self, number: int, connection: Connection) -> None:
        try:
            while connection.pending:
                connection.pending = connection.pending[connection.sock.send(connection.pending) :]
            if connection.end_when_sent:
                connection.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            self._watch(number, connection)
            return
        except OSError:
            self._lost(number)
            return
        self._watch(number, connection)
        self._answer(connection, is_open=True)

    def _answer(self, connection: Connection, *, is_open: bool) -> None:
        if connection.awaited is not None:
            self._send({"id": connection.awaited, "ok": True, "open": is_open}, b"")
            connection.awaited = None

    def _lost(self, number: int) -> None:
        self._tell({"event": "closed", "connection": number})
        self._drop(number)

    def _drop(self, number: int) -> None:
        connection = self._connections.pop(number)
        if connection.mask:
            self._selector.unregister(connection.sock)
        connection.sock.close()
        self._answer(connection, is_open=False)


def environment(port: int) -> dict[str, str]:
    """What has programs use the proxy: the variables curl, pip, npm, git, Go and others read."""
    address = f"http://127.0.0.1:{port}"
    names = ("http_proxy", "https_proxy", "all_proxy")
    found = {name: address for lower in names for name in (lower, lower.upper())}
    local = "localhost,127.0.0.1,::1"
    return {**found, "no_proxy": local, "NO_PROXY": local}
