"""Limits: each is exceeded in earnest, within bounds that leave the machine unharmed should it not hold."""

from __future__ import annotations

import time

from ..contract import Box, BoxLost, SandboxError
from .ground import MIB, Ground, describe
from .registry import Book, Breach, require

checks = Book("limits")
_HELD_S = 25.0


def usable(box: Box) -> None:
    """The next command works at once."""
    after = box.run(["echo", "ok"], timeout=20)
    require(after.stdout == b"ok\n", f"the next command: {describe(after)}")


def exhausts(ground: Ground, code: str, *, limit: int, took: int) -> str:
    """Has `code` take `took` MiB in a box of `limit` MiB of memory: it must end, and as out of memory."""
    with ground.new(memory_bytes=limit * MIB) as box:
        held = "print('held')\ntime.sleep(2)  # a box that samples memory is given this long to see it"
        result = ground.py(box, f"import mmap\nn = {took}\n{code}\n{held}", timeout=_HELD_S)
        require(b"held" not in result.stdout, f"{took} MiB were held in a box of {limit} MiB")
        require(result.oom, f"not reported as out of memory: {describe(result)}")
        require(not result.timed_out, "reported as a timeout")
        usable(box)
        plain = box.run(["false"], timeout=20)
        require(not plain.oom, "the next failing command is reported as out of memory")
    return f"{took} MiB in a box of {limit} MiB: ended as out of memory"


@checks("a memory bomb is ended and reported as out of memory")
def memory(ground: Ground) -> str:
    return exhausts(ground, "held = [bytearray(b'x') * (8 << 20) for _ in range(n // 8)]", limit=128, took=400)


@checks("shared memory counts as memory")
def shared_memory(ground: Ground) -> str:
    code = "f = os.memfd_create('x')\nfor _ in range(n): os.write(f, b'x' * (1 << 20))"
    exhausts(ground, code, limit=128, took=400)
    code = "m = mmap.mmap(-1, n << 20)\nfor _ in range(n): m.write(b'x' * (1 << 20))"
    return exhausts(ground, code, limit=128, took=400)


@checks("memory of many processes is bounded together")
def memory_together(ground: Ground) -> str:
    code = """
import signal
for _ in range(n // 40):
    if os.fork() == 0:
        held = bytearray(b'x') * (40 << 20)
        signal.alarm(20)  # it keeps its memory while the others take theirs; should the box not end it, this does
        signal.pause()
time.sleep(4)  # the kernel and the box are given this long to enforce the limit: after it the check has failed
"""
    return exhausts(ground, code, limit=128, took=400)


@checks("a fork bomb finds the limit, and the box lives")
def fork_bomb(ground: Ground) -> str:
    # Ten generations: 1,024 processes where nothing stops them, and no more.
    code = """
import signal
out = os.open("count", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for _ in range(10):
    try:
        if os.fork() == 0:
            os.write(out, b"x")
    except OSError:
        time.sleep(.05)  # a bomb goes on trying: its ten attempts are to fall into half a second, not one instant
signal.alarm(30)  # all stay past the command's time limit, for the box to end; should the box not, this does
signal.pause()
"""
    allowed, spare, patience = 64, 256, 90 if ground.own_kernel else 25
    with ground.new(processes=allowed) as box:
        began = time.monotonic()
        result = ground.py(box, code, timeout=4)
        took = time.monotonic() - began
        require(took < patience, f"it took {took:.0f} s to end it")
        made = len(box.read("count"))
        require(made <= allowed + spare, f"{made} processes were made where {allowed} are allowed")
        require(made > 8, f"the bomb made {made} processes only: {describe(result)}")
        usable(box)
    return f"{made} processes, ended {max(0.0, took - 4) * 1000:.0f} ms after the timeout"


@checks("a thread counts as a process")
def threads(ground: Ground) -> str:
    code = """
import threading
made = 0
try:
    for _ in range(600):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        made += 1
except RuntimeError:
    pass
print(json.dumps(made), flush=True)
os._exit(0)
"""
    with ground.new(processes=64) as box:
        made = ground.ask(box, code)
        require(made < 600, f"{made} threads were made where 64 are allowed")
        usable(box)
    return f"{made} threads"


_WORK = """
wanted, (reading, writing) = args[0], os.pipe()
end = time.monotonic() + 3
for _ in range(wanted):
    if os.fork() == 0:
        done = 0
        while time.monotonic() < end: done += 1
        os.write(writing, struct.pack("Q", done))
        os._exit(0)
for _ in range(wanted): os.wait()
print(json.dumps(sum(struct.unpack(f"{wanted}Q", os.read(reading, 8 * wanted)))))
"""


@checks("processor time is bounded")
def cpu(ground: Ground) -> str:
    # By work done: a kernel of the box's own counts time as its own that it waited for.
    with ground.new(cpus=1.0) as box:
        whole = ground.ask(box, _WORK, 1, timeout=90)
    with ground.new(cpus=0.2) as box:
        done = ground.ask(box, _WORK, 4, timeout=90)
    require(done < 0.7 * whole, f"four processes do {done / whole:.0%} of one core's work where 20% is allowed")
    return f"four processes do {done / whole:.0%} of one core's work, 20% is allowed"


_PLACES = "places = ['/work', os.environ['HOME'], os.environ.get('TMPDIR', '/tmp'), '/dev/shm']\n" + (
    "places[0] = os.getcwd()\nplaces = [p for p in dict.fromkeys(places) if os.access(p, os.W_OK)]\n"
)
_DISK = 24
_FILLS = {
    "written": "while done < more: done += os.write(f, block)",
    "preallocated": "os.posix_fallocate(f, 0, more); done = more",
    "deleted while open": "os.unlink(path)\nwhile done < more: done += os.write(f, block)",
    "a sparse file's end": "os.lseek(f, 1 << 40, 0)\nwhile done < more: done += os.write(f, block)",
    "a sparse mapping": "import mmap\nos.truncate(f, more)\nm = mmap.mmap(f, more)\n"
    "for at in range(0, more, 4096): m[at] = 1; done = at",
}


def fills(ground: Ground, way: str) -> str:
    """Fills every writable place past its limit in one of the ways; a fault of the mapping ends the probe by SIGBUS."""
    code = """
block, more = b"x" * (1 << 20), int(args[0] * 1.5) << 20
held = {}
for place in places:
    path, done = os.path.join(place, ".forgehand-fill"), 0
    f = os.open(path, os.O_RDWR | os.O_CREAT)
    child = os.fork()
    if child == 0:
        try:
BODY
            os._exit(1)
        except OSError as error:
            os._exit(0 if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EOPNOTSUPP) else 2)
        os._exit(3)
    status = os.waitpid(child, 0)[1]
    held[place] = os.WIFSIGNALED(status) and "signal" or os.WEXITSTATUS(status)
    os.close(f)
    if os.path.exists(path): os.unlink(path)
print(json.dumps(held))
"""
    body = "\n".join("            " + line for line in _FILLS[way].split("\n"))
    with ground.new(disk_bytes=_DISK * MIB, memory_bytes=256 * MIB) as box:
        ended = ground.ask(box, _PLACES + code.replace("BODY", body), _DISK, timeout=60)
        usable(box)
        box.write("after", b"x")
    over = [place for place, how in ended.items() if how not in (0, "signal")]
    require(not over, f"{_DISK * 3 // 2} MiB went into {', '.join(over)}, of {_DISK} MiB allowed ({ended})")
    return f"{', '.join(ended)}: full at {_DISK} MiB"


@checks("a filled disk is full, for each writable place")
def disk(ground: Ground) -> str:
    return fills(ground, "written")


@checks("preallocated space counts")
def preallocated(ground: Ground) -> str:
    return fills(ground, "preallocated")


@checks("deleted files that are open count")
def deleted_open(ground: Ground) -> str:
    return fills(ground, "deleted while open")


@checks("what is written into sparse files counts")
def sparse(ground: Ground) -> str:
    fills(ground, "a sparse mapping")
    return fills(ground, "a sparse file's end")


@checks("files are disk and not memory")
def disk_is_not_memory(ground: Ground) -> str:
    with ground.new(memory_bytes=64 * MIB, disk_bytes=160 * MIB) as box:
        filled = box.run(["sh", "-c", "head -c 136314880 /dev/zero > f"], timeout=60)
        require(filled.exit_code == 0, f"130 MiB of 160 MiB did not fit: {describe(filled)}")
        usable(box)
    return "130 MiB of files in a box of 64 MiB of memory"


@checks("an inode fill is bounded")
def inodes(ground: Ground) -> str:
    """Empty files cost memory that no filesystem's size counts: a quarter of a million are about 350 MB."""
    code = """
wanted, made = args[0], 0
try:
    for made in range(wanted):
        if made % 5000 == 0: os.mkdir(f"d{made}")
        os.close(os.open(f"d{made - made % 5000}/{made:0200}", os.O_WRONLY | os.O_CREAT))
except OSError as error:
    print(json.dumps([made, os.strerror(error.errno)]), flush=True)
else:
    print(json.dumps([wanted, "all of them"]), flush=True)
"""
    # gVisor's own memory is in the bound: it takes more files to come to it, and more time.
    wanted, patience = (1_000_000, 540.0) if ground.own_kernel else (250_000, 120.0)
    with ground.new(memory_bytes=48 * MIB, disk_bytes=8 * MIB, processes=16) as box:
        try:
            result = ground.py(box, code, wanted, timeout=patience)
        except BoxLost as error:
            return f"the box was ended: {error.why}"
    require(b"all of them" not in result.stdout, f"{wanted} files were made in a box of 48 MiB and 8 MiB of disk")
    require(not result.timed_out, f"{wanted} files were neither made nor refused in {patience:.0f} s")
    return describe(result)


@checks("the lifetime ends the box")
def lifetime(ground: Ground) -> str:
    allowed, spare = ground.short_life(4.0), 15.0
    began = time.monotonic()
    with ground.new(lifetime_s=allowed) as box:
        try:
            result = box.run(["sleep", str(allowed + spare)], timeout=allowed + spare + 60)
        except BoxLost:
            return f"{time.monotonic() - began:.1f} s after its creation was asked for, {allowed:.1f} s allowed"
        except SandboxError as error:
            raise Breach(f"it ended without being lost: {error}") from error
    raise Breach(f"a command of {allowed + spare:.0f} s in a box of {allowed:.0f} s: {describe(result)}")
