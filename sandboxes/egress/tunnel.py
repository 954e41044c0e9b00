"""Carries what a box's proxy takes in to where it may go: one thread that listens to the box, two a connection."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue

from ..channel import Channel, Failure
from ..contract import BoxLost, SandboxUnavailable
from ..inside.proxy import MAX_CONNECTIONS, PIECE
from .client_hello import is_tls, server_name
from .policy import Policy, Refusal
from .requests import ESTABLISHED, Asked, read_request, response

PORT = 3128
"""Where the proxy listens on the box's loopback."""
DIAL_S = 15.0
IDLE_S = 300.0
_START_S = 20.0
_HTTPS = 443

log = logging.getLogger(__name__)
Resolve = Callable[[str, int], Sequence[str]]


def resolve(name: str, port: int) -> list[str]:
    """The addresses of a name, from this machine's resolver. OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Tunnel:
    """The host's end of a box's proxy, from its start to the loss of the channel."""

    def __init__(self, channel: Channel, policy: Policy, name: str, *, addresses: Resolve = resolve) -> None:
        self._channel, self._policy, self._name = channel, policy, name
        self._addresses = addresses
        self._connections: dict[int, _Connection] = {}
        self._listening = threading.Event()
        self._failed: str | None = None

    def start(self, port: int = PORT) -> None:
        """Returns when programs of the box can use the proxy. SandboxUnavailable."""
        threading.Thread(target=self._listen, args=(port,), name=f"egress-{self._name}", daemon=True).start()
        if not self._listening.wait(_START_S) or self._failed is not None:
            raise SandboxUnavailable("the box has no way out", self._failed or "its proxy did not start")

    def _listen(self, port: int) -> None:
        try:
            for frame in self._channel.call("tunnel_listen", {"port": port}, patience=None):
                event, number = frame.header.get("event"), frame.header.get("connection")
                if event == "listening":
                    self._listening.set()
                elif event == "open" and isinstance(number, int):
                    if number in self._connections or len(self._connections) >= MAX_CONNECTIONS:
                        raise self._channel.lose("its proxy announces connections it cannot have")
                    self._connections[number] = _Connection(self, number)
                elif isinstance(number, int):
                    known = self._connections.get(number)
                    if known is not None and not known.take(frame.payload if event == "data" else None):
                        raise self._channel.lose("its proxy sends more than it was asked for")
        except (BoxLost, Failure) as end:
            self._failed = str(end)
        finally:
            self._listening.set()
            for connection in list(self._connections.values()):
                connection.close()

    def ask(self, op: str, number: int, data: bytes = b"", *, end: bool = False) -> bool:
        """Whether the client was still there. BoxLost."""
        fields = {"connection": number, "end": end}
        try:
            for frame in self._channel.call(op, fields, [({}, data)], patience=None):
                return frame.header.get("open") is not False
        except Failure:
            pass
        return False

    def forget(self, number: int) -> None:
        self._connections.pop(number, None)

    def dial(self, asked: Asked) -> socket.socket:
        """A connection to what was asked for. Refusal."""
        name = self._policy.check(asked.host, asked.port)
        try:
            addresses = self._policy.dialable(name, self._addresses(name, asked.port))
        except OSError as error:
            raise Refusal(f"{name} cannot be resolved: {error.strerror or error}", 502) from None
        failure = ""
        for address in addresses[:4]:
            try:
                return socket.create_connection((address, asked.port), DIAL_S)
            except TimeoutError:
                failure = "no answer"
            except OSError as error:
                failure = error.strerror or str(error)
        raise Refusal(f"{name}:{asked.port} cannot be reached: {failure}", 502)

    def told(self, why: str) -> None:
        log.info("egress of the box %s refused: %s", self._name, why)


class _Connection:
    """One client of the box's proxy. `arrived` holds what it sent: bytes, then None at its end."""

    def __init__(self, tunnel: Tunnel, number: int) -> None:
        self._tunnel, self._number = tunnel, number
        self.arrived: SimpleQueue[bytes | None] = SimpleQueue()
        self._server: socket.socket | None = None
        self._granted = 0
        threading.Thread(target=self._serve, name=f"egress-{number}", daemon=True).start()

    def take(self, data: bytes | None) -> bool:
        """What the client sent. False for a piece that was not asked for or is too large: the box is lying."""
        if data is not None:
            self._granted -= 1
            if self._granted < 0 or len(data) > PIECE:
                return False
        self.arrived.put(data)
        return True

    def close(self) -> None:
        """The box is gone: wakes what waits."""
        self.arrived.put(None)
        if self._server is not None:
            _shut(self._server, socket.SHUT_RDWR)

    def _serve(self) -> None:
        tunnel, number = self._tunnel, self._number
        try:
            self._carry()
        except Refusal as refusal:
            tunnel.told(str(refusal))
            self._answer(response(refusal.status, f"forgehand: {refusal}"))
        except (BoxLost, OSError):
            pass
        finally:
            tunnel.forget(number)
            if self._server is not None:
                self._server.close()
            with suppress(BoxLost):
                tunnel.ask("tunnel_close", number)

    def _answer(self, data: bytes) -> None:
        with suppress(BoxLost):
            self._tunnel.ask("tunnel_send", self._number, data, end=True)

    def _carry(self) -> None:
        asked, rest = self._first()
        self._server = server = self._tunnel.dial(asked)
        server.settimeout(IDLE_S)
        if asked.tunnel:
            if not self._tunnel.ask("tunnel_send", self._number, ESTABLISHED):
                return
            rest = self._greeting(asked, rest)
            server.sendall(rest)
        else:
            server.sendall(asked.forward + rest[: asked.body])
        down = threading.Thread(target=self._down, args=(server,), name=f"egress-{self._number}-down", daemon=True)
        down.start()
        self._up(server, None if asked.tunnel else asked.body - min(asked.body, len(rest)))
        down.join()

    def _first(self) -> tuple[Asked, bytes]:
        """What is asked for, and the bytes that came after it. Refusal, OSError."""
        data = b""
        while (found := read_request(data)) is None:
            data += self._next()
        return found[0], data[found[1] :]

    def _greeting(self, asked: Asked, data: bytes) -> bytes:
        """The first bytes of a tunnel, once they are known to be for its own host. Refusal."""
        data = data or self._next()
        if not is_tls(data):
            if asked.port == _HTTPS:
                raise Refusal("what goes to port 443 has to be TLS, so that its server name can be checked")
            return data
        while (name := server_name(data)) is None:
            data += self._next()
        if name != asked.host:
            raise Refusal(f"a tunnel to {asked.host} must not ask for {name[:200]}")
        return data

    def _next(self) -> bytes:
        """More bytes of the client. OSError when there are none."""
        self._granted += 1
        self._tunnel.ask("tunnel_more", self._number)
        data = self.arrived.get()
        if not data:
            raise ConnectionAbortedError("the client ended early")
        return data

    def _up(self, server: socket.socket, limit: int | None) -> None:
        """From the box to the server, to the client's end or for `limit` bytes."""
        try:
            while limit is None or limit > 0:
                data = self._next()[:limit]
                server.sendall(data)
                limit = None if limit is None else limit - len(data)
        except (BoxLost, OSError):
            _shut(server, socket.SHUT_WR)

    def _down(self, server: socket.socket) -> None:
        """From the server to the box, to the server's end."""
        try:
            while data := server.recv(PIECE):
                if not self._tunnel.ask("tunnel_send", self._number, data):
                    break
            self._tunnel.ask("tunnel_send", self._number, b"", end=True)
        except (BoxLost, OSError):
            pass
        finally:
            _shut(server, socket.SHUT_RDWR)
            self.arrived.put(None)


def _shut(sock: socket.socket, how: int) -> None:
    try:
        sock.shutdown(how)
    except OSError:
        return  # it has ended already
