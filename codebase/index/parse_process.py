"""The other end of `parsing`: a process that is sent files and answers each with bytes, until nobody is there any more.

Started as a program of its own, without the environment of whoever started it: what it reads may be hostile, and the
parsers are written in C. Requests are pickles from the process that started this one; answers are plain bytes, because
that one must not unpickle what a broken parser says.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import socket
import struct
import sys

LENGTH = struct.Struct(">Bq")
READY, ANSWER, FAILED = 0, 1, 2
OUT_OF_TIME = -signal.SIGPROF
"""The exit status of a process whose file cost too much."""
_CPU_S = 5.0
_IDLE_S = 600.0
_MEMORY = 3 << 30


def serve(channel: socket.socket) -> None:
    """Answers requests one after the other; ends when the other end is closed or silent for ten minutes.

    A file that costs more than five seconds of processor time ends the process: a signal does that even where a parser
    never comes back to Python.
    """
    channel.sendall(LENGTH.pack(READY, 0))
    while True:
        channel.settimeout(_IDLE_S)
        try:
            _, request = receive(channel)
        except (EOFError, TimeoutError):
            return
        channel.settimeout(None)
        work, files = pickle.loads(request)  # noqa: S301  # from the process that started this one
        for path, data in files:
            signal.setitimer(signal.ITIMER_PROF, _CPU_S)
            try:
                kind, answer = ANSWER, work(path, data)
            except Exception as error:
                # Whatever one file brings about costs that file; the other end tells people.
                kind, answer = FAILED, f"{type(error).__name__}: {error}"[:500].encode("utf-8", "replace")
            channel.sendall(LENGTH.pack(kind, len(answer)))
            channel.sendall(answer)
        signal.setitimer(signal.ITIMER_PROF, 0)


def receive(channel: socket.socket) -> tuple[int, bytes]:
    """One message: its kind and its bytes. EOFError at the end, TimeoutError after the socket's own patience."""
    kind, length = LENGTH.unpack(_exactly(channel, LENGTH.size))
    return kind, _exactly(channel, length)


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    at, view = 0, memoryview(data)
    while at < length:
        got = channel.recv_into(view[at:])
        if got == 0:
            raise EOFError
        at += got
    return bytes(data)


def main() -> None:
    """Takes the socket whose descriptor is the first argument."""
    # Ctrl-C is for the program in the terminal; this one ends when that one does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as channel, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        serve(channel)
