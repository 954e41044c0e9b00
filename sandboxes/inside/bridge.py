"""Brings a host's byte stream to the runner of a box: executed there, it hands over its own standard streams.

It copies nothing. It stays until the runner is done with the stream, because the engine takes its end for the end of
the stream.
"""

from __future__ import annotations

import _socket  # the socket module would double the time this takes to start
import os
import struct
import sys
import time
from hashlib import sha256

from .processes import hide_from_commands

TOKEN_BYTES = 32
_PATIENCE_S = 15.0


def main() -> None:
    """Reads the token, 32 bytes, from standard input; all that follows there is the runner's.

    Exit status 0 when the runner has ended the stream, 3 when it does not accept the token, 4 when there is none.
    """
    hide_from_commands()
    token = b""
    while len(token) < TOKEN_BYTES:
        part = os.read(0, TOKEN_BYTES - len(token))
        if not part:
            sys.exit("no token")
        token += part
    door = _connect("\0forgehand-" + sha256(token).digest()[:12].hex())
    if door is None:
        sys.stderr.write("no runner answers in this box\n")
        sys.exit(4)
    door.sendmsg([token], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("2i", 0, 1))])
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        welcome = door.recv(1)
        if not welcome:
            sys.stderr.write("the runner does not accept the token\n")
            sys.exit(3)
        door.recv(1)
    except ConnectionResetError:
        return  # the box is ending


def _connect(address: str) -> _socket.socket | None:
    """The runner may still be starting: tries for a while."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            door.connect(address)
            return door
        except ConnectionRefusedError:
            door.close()
            time.sleep(0.003)  # who does not listen yet can tell nobody when it will
    return None
