"""A reader of files that dies, hangs, fails or works, as the files say: for a process that parses."""

import os
import time

from codebase.index.blob import read_packed


def read(path: str, data: bytes) -> bytes:
    if path and b"die" in data:
        os._exit(139)
    if path and b"hang" in data:
        time.sleep(600)
    if path and b"burn" in data:
        while True:
            pass
    if path and b"raise" in data:
        raise ValueError("what nobody thought of")
    return read_packed(path, data)


def environment(path: str, data: bytes) -> bytes:
    return repr(dict(os.environ)).encode()


def which(path: str, data: bytes) -> bytes:
    return str(os.getpid()).encode()
