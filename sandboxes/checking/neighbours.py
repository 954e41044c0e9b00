"""Two boxes side by side: neither sees the other's files, processes, memory or sockets."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ..contract import Box
from ..layout import WRITABLE
from .ground import Ground
from .killing import alive, mark
from .registry import Book, require

checks = Book("neighbours")


@contextmanager
def doing(ground: Ground, code: str, *args: Any) -> Iterator[tuple[Box, Box]]:
    """Two boxes; in the first one `code` runs on, having written the file `up` when it is ready."""
    ground.need_python(ground.box)
    with ground.new() as one, ground.new() as two, ThreadPoolExecutor(1) as pool:
        running = code + "\nopen('up', 'w').close()\ntime.sleep(8)  # what it holds stays held while it is looked for"
        future = pool.submit(ground.py, one, running, *args, timeout=12)
        deadline = time.monotonic() + 10
        while "up" not in {entry.path for entry in one.list().entries}:
            require(time.monotonic() < deadline and not future.done(), "the probe in the first box does not start")
            time.sleep(0.02)  # a box tells nobody of its new files
        yield one, two
        one.close()  # no need to wait for its command, which ends with a lost box
        future.exception()


@checks("another box's files are out of reach")
def files(ground: Ground) -> str:
    name = f"forgehand-{secrets.token_hex(8)}"
    with ground.new() as one, ground.new() as two:
        for box in (one, two):
            ground.need_python(box)
        places = [*WRITABLE, "/var/tmp", "/run"]  # noqa: S108 - the boxes' own
        code = """
made = []
for place in [*args[1], os.environ["HOME"], os.environ.get("TMPDIR", "/tmp")]:
    try: open(os.path.join(place, args[0]), "x").close(); made.append(place)
    except OSError: pass
print(json.dumps(made))
"""
        look = """
print(json.dumps([p for p in args[1] if os.path.exists(os.path.join(p, args[0]))]))
"""
        remove = "for p in args[1]: os.unlink(os.path.join(p, args[0]))\n"
        made = ground.ask(one, code, name, places)
        try:
            require(made, "the first box can write nowhere")
            seen = ground.ask(two, look, name, made)
        finally:
            ground.py(one, remove, name, made)
    require(not seen, f"what one wrote to {', '.join(seen)} is there in the other")
    return ", ".join(made)


@checks("another box's processes are out of reach")
def processes(ground: Ground) -> str:
    marked = mark()
    with doing(ground, "import subprocess; subprocess.Popen(['sleep', args[0] + args[1]])", marked[:4], marked[4:]) as (
        one,
        two,
    ):
        require(alive(one, marked) == 1, "the probe in the first box does not run")
        require(alive(two, marked) == 0, "one sees the other's processes")
    return "not to be seen, so not to be signalled"


@checks("another box's shared memory is out of reach")
def shared_memory(ground: Ground) -> str:
    key = secrets.randbelow(1 << 30) + 1
    make = "libc = ctypes.CDLL(None)\nmade = libc.shmget(args[0], 4096, 0o1666)\nassert made >= 0"
    find = "print(json.dumps(ctypes.CDLL(None).shmget(args[0], 4096, 0) >= 0))"
    drop = "libc = ctypes.CDLL(None)\nlibc.shmctl(libc.shmget(args[0], 4096, 0), 0, None)"
    with doing(ground, make, key) as (one, two):
        require(ground.ask(one, find, key) is True, "the probe in the first box made none")
        seen = ground.ask(two, find, key)
        ground.py(one, drop, key)
    require(not seen, "a System V segment of one is there in the other")
    return "System V segments"


@checks("another box's abstract sockets are out of reach")
def abstract(ground: Ground) -> str:
    name = f"forgehand-{secrets.token_hex(8)}"
    serve = "s = socket.socket(socket.AF_UNIX); s.bind('\\0' + args[0]); s.listen()"
    reach = """
s = socket.socket(socket.AF_UNIX)
try: s.connect("\\0" + args[0]); print("true")
except OSError: print("false")
"""
    with doing(ground, serve, name) as (one, two):
        require(ground.ask(one, reach, name) is True, "the probe in the first box does not listen")
        require(not ground.ask(two, reach, name), "one connects to the other")
    return "not connected"


@checks("another box's servers are out of reach")
def servers(ground: Ground) -> str:
    serve = """
s = socket.create_server(("0.0.0.0", 0)); names = {"127.0.0.1"}
import fcntl
for _, name in socket.if_nameindex():
    try: names.add(socket.inet_ntoa(fcntl.ioctl(s, 0x8915, struct.pack("256s", name.encode()))[20:24]))
    except OSError: pass
open("where", "w").write(json.dumps([sorted(names), s.getsockname()[1]]))
"""
    reach = """
found = []
for address in args[0]:
    try: socket.create_connection((address, args[1]), 3).close(); found.append(address)
    except OSError: pass
print(json.dumps(found))
"""
    with doing(ground, serve) as (one, two):
        names, port = ground.ask(one, "print(open('where').read())")
        require("127.0.0.1" in ground.ask(one, reach, names, port), "the probe in the first box does not listen")
        found = ground.ask(two, reach, names, port)
    require(not found, f"one connects to the other at {', '.join(found)}")
    return f"at {', '.join(names)}"
