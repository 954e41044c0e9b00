"""Process 1 of a box that outlives its hosts: it waits for one that knows the token, serves it, and waits again.

A host comes by executing the bridge (`inside.bridge`), which hands over the two ends of its byte stream through a
socket; where the engine can connect it to the standard streams of process 1, the first one comes that way. Anybody in
the box may knock at the socket, so what is said is a claim until the token proves it, and whoever does not prove it
at once is turned away.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest

from .crew import Crew
from .operations import Place
from .processes import kill_below
from .serve import Runner, events, prepare

TOKEN_BYTES = 32
MAX_WAITING = 8
_BACKLOG = 64


def address(digest: bytes) -> str:
    """The abstract unix socket (unix(7)) of the box whose token has this SHA-256: its own even where namespaces
    are shared."""
    return f"\0forgehand-{digest[:12].hex()}"


class Door:
    """Listens for bridges. `welcome` is called with a proven one: its connection and its two descriptors."""

    def __init__(
        self, selector: selectors.BaseSelector, digest: bytes, welcome: Callable[[socket.socket, int, int], None]
    ) -> None:
        self._selector = selector
        self._digest = digest
        self._welcome = welcome
        self._waiting: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address(digest))
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        try:
            visitor, _ = self._listener.accept()
        except OSError:
            return  # gone again, or no descriptor is free for it
        if len(self._waiting) >= MAX_WAITING:
            self._dismiss(self._waiting[0])
        visitor.setblocking(False)
        self._waiting.append(visitor)
        self._selector.register(visitor, selectors.EVENT_READ, lambda: self._hear(visitor))

    def _hear(self, visitor: socket.socket) -> None:
        try:
            token, fds, _, _ = socket.recv_fds(visitor, TOKEN_BYTES + 1, 2, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            token, fds = b"", []
        if len(fds) == 2 and compare_digest(sha256(token).digest(), self._digest):
            self._waiting.remove(visitor)
            self._selector.unregister(visitor)
            self._welcome(visitor, fds[0], fds[1])
            return
        for fd in fds:
            os.close(fd)
        self._dismiss(visitor)

    def _dismiss(self, visitor: socket.socket) -> None:
        self._waiting.remove(visitor)
        self._selector.unregister(visitor)
        visitor.close()


class House:
    """The box: who is served at present, and what stays when that one goes."""

    def __init__(self, digest: bytes, lifetime_s: float, first: tuple[int, int] | None = None) -> None:
        self._ends = time.monotonic() + lifetime_s
        self._selector = selectors.DefaultSelector()
        self._crew = Crew(self._selector)
        self._place: Place | None = None
        self._guest: tuple[Runner, socket.socket | None] | None = None
        self._gone = False
        self._open = True
        self._door = Door(self._selector, digest, self._receive)
        if first:
            self._guest = Runner(self._selector, self._crew, *first), None

    def keep(self) -> None:
        """Serves until a host asks for the end, or the lifetime is over. OSError when a dead command lives on."""
        while self._open and time.monotonic() < self._ends:
            if self._guest is None:
                events(self._selector, self._ends)
                continue
            runner = self._guest[0]
            runner.turn(self._ends)
            if self._guest is None or self._guest[0] is not runner:
                continue  # another host came in during that turn
            self._ends = min(self._ends, runner.ends)
            if self._gone or not runner.alive:
                self._open = not runner.stopped
                self._part()

    def _receive(self, connection: socket.socket, in_fd: int, out_fd: int) -> None:
        self._part("another host took it over")
        try:
            connection.send(b"+")
        except OSError:  # it has gone already
            connection.close()
            os.close(in_fd)
            os.close(out_fd)
            return
        self._selector.register(connection, selectors.EVENT_READ, self._leave)
        self._guest = Runner(self._selector, self._crew, in_fd, out_fd, self._place), connection

    def _leave(self) -> None:
        """The bridge is gone (it says nothing more): nobody carries the stream any longer."""
        self._gone = True

    def _part(self, farewell: str = "") -> None:
        self._gone = False
        if self._guest is not None:
            runner, connection = self._guest
            self._guest = None
            self._place = runner.end(farewell)
            if connection is None:
                _silence(2)  # the engine ends a host's stream when nobody can write to any of it
            else:
                self._selector.unregister(connection)
                connection.close()


def _silence(fd: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)


def main() -> None:
    """Arguments: the runner's zip, the SHA-256 of the token in hexadecimal, the lifetime in seconds; and `first` when
    the standard streams are a host's, the first to be served: no command can get at those of process 1."""
    stdio = prepare()
    first = stdio if sys.argv[4:] == ["first"] else None
    if first is None:
        for fd in stdio:
            os.close(fd)
    try:
        House(bytes.fromhex(sys.argv[2]), float(sys.argv[3]), first).keep()
    finally:
        kill_below(os.getpid())
