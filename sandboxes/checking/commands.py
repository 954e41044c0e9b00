"""The contract, as far as it is about running commands."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from ..contract import WORKSPACE, Box
from ..inside.frames import encode
from .ground import MIB, Ground, NotRun, describe
from .registry import Book, require

checks = Book("contract")


def sh(box: Box, script: str, *, timeout: float = 30.0) -> bytes:
    """The standard output of a script that must succeed. NotRun when the image has not what it runs."""
    result = box.run(["sh", "-ec", script], timeout=timeout)
    if result.exit_code == 127:
        raise NotRun(f"the image has not what the probe runs: {describe(result)}")
    require(result.exit_code == 0, f"`{script[:80]}` ended with {describe(result)}")
    return result.stdout


def needs(box: Box, *programs: str) -> None:
    """NotRun unless the image has them all."""
    script = 'for one; do command -v "$one" > /dev/null || { echo "$one"; exit 1; }; done'
    result = box.run(["sh", "-c", script, "sh", *programs], timeout=30)
    if result.exit_code != 0:
        raise NotRun(f"the image has not what the probe runs: {describe(result)}")


@checks("a command's exit code and both streams arrive apart")
def exit_and_streams(ground: Ground) -> str:
    result = ground.box.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=30)
    seen = (result.exit_code, result.stdout, result.stderr, result.truncated, result.timed_out, result.oom)
    require(seen == (3, b"out\n", b"err\n", False, False, False), f"got {seen}")
    return "exit 3, out and err"


@checks("an end by signal is a negative exit code")
def signal_exit(ground: Ground) -> str:
    codes = [ground.box.run(["sh", "-c", f"kill -{name} $$"], timeout=30).exit_code for name in ("TERM", "KILL")]
    require(codes == [-15, -9], f"SIGTERM and SIGKILL gave {codes}")
    return "-15 and -9"


@checks("a program that cannot be started says so")
def cannot_start(ground: Ground) -> str:
    box = ground.box
    box.write("plain.txt", b"no program")
    results = [box.run([program], timeout=30) for program in ("no-such-program", "/", "./plain.txt")]
    require([r.exit_code for r in results] == [127, 126, 126], f"got {[r.exit_code for r in results]}")
    require(all(r.stderr for r in results), "no reason on standard error")
    return "127 when missing, 126 when not executable"


@checks("arguments arrive byte for byte")
def arguments(ground: Ground) -> str:
    given = ["", " ", "a b", "'\"$(id)`id`", "*", "\n", "-n", "caf\udce9", "\u00e9"]
    printed = ground.box.run(["sh", "-c", 'for one; do printf "%s|" "$one"; done', "sh", *given], timeout=30).stdout
    require(printed == b"".join(os.fsencode(one) + b"|" for one in given), f"arrived as {printed!r}")
    return f"{len(given)} awkward ones"


@checks("a command runs where it is told to")
def directory(ground: Ground) -> str:
    box = ground.box
    box.write("sub/x", b"")
    for cwd in ("sub", f"{WORKSPACE}/sub"):
        require(box.run(["ls"], cwd=cwd, timeout=30).stdout == b"x\n", f"not in {cwd}")
    for cwd, expected in (("nowhere", FileNotFoundError), ("sub/x", NotADirectoryError)):
        try:
            result = box.run(["true"], cwd=cwd, timeout=30)
        except expected:
            continue
        require(False, f"in {cwd} it ended with {describe(result)}")
    return "relative, absolute, missing and no directory"


@checks("the environment is small, and the caller's is added")
def environment(ground: Ground) -> str:
    printed = ground.box.run(["env"], env={"EXTRA": "1=2"}, timeout=30).stdout
    found = dict(line.split(b"=", 1) for line in printed.splitlines() if b"=" in line)
    require(found.get(b"EXTRA") == b"1=2", "the caller's variable is missing")
    require({b"PATH", b"HOME"} <= set(found), "PATH or HOME is missing")
    return f"{len(found) - 1} variables of its own"


@checks("standard input arrives whole and ends")
def standard_input(ground: Ground) -> str:
    box = ground.box
    require(box.run(["cat"], stdin=b"a\0b\n", timeout=30).stdout == b"a\0b\n", "bytes were changed")
    empty = box.run(["cat"], timeout=10)
    require((empty.exit_code, empty.stdout) == (0, b""), f"without input cat ended with {describe(empty)}")
    data = os.urandom(MIB) * 9
    counted = box.run(["wc", "-c"], stdin=data, timeout=60).stdout.split()
    require(counted[:1] == [b"%d" % len(data)], f"of {len(data)} bytes {counted[:1]} arrived")
    unread = box.run(["true"], stdin=b"x" * MIB, timeout=30)
    require(unread.exit_code == 0, f"input nobody reads: {describe(unread)}")
    return "NUL bytes, none, 9 MiB, and unread"


@checks("binary output is exact")
def binary_output(ground: Ground) -> str:
    data = bytes(range(256)) * 400
    box = ground.box
    box.write("data", data)
    require(box.run(["cat", "data"], timeout=30).stdout == data, "bytes were changed")
    return "every byte value"


@checks("of 100 MB of output head and tail are kept, and all is counted")
def large_output(ground: Ground) -> str:
    script = "echo first; head -c 100000000 /dev/zero; echo; echo last"
    result = ground.box.run(["sh", "-c", script], timeout=120, output_limit=10_000)
    require(result.stdout_bytes == 100_000_012, f"counted {result.stdout_bytes} bytes")
    require(result.truncated, "not reported as truncated")
    require(len(result.stdout) <= 10_000, f"kept {len(result.stdout)} bytes of 10000")
    require(result.stdout.startswith(b"first\n"), "the head is missing")
    require(result.stdout.endswith(b"\nlast\n"), "the tail is missing")
    return f"{result.stdout_bytes / result.seconds / 1e6:.0f} MB/s"


@checks("output that imitates the protocol is output")
def forged_output(ground: Ground) -> str:
    box = ground.box
    forged = b"".join(encode({"id": n, "ok": True, "exit_code": 0}, b"forged") for n in range(200))
    result = box.run(["cat"], stdin=forged, timeout=30)
    require((result.exit_code, result.stdout) == (0, forged), f"cat ended with {describe(result)}")
    require(box.run(["sh", "-c", "exit 7"], timeout=30).exit_code == 7, "the next command's exit code was forged")
    return f"{len(forged)} bytes of frames"


@checks("a program that closes its streams ends properly")
def closed_streams(ground: Ground) -> str:
    result = ground.box.run(["sh", "-c", "exec <&- >&- 2>&-; sleep .3; exit 5"], timeout=30)
    require((result.exit_code, result.stdout) == (5, b""), describe(result))
    require(result.seconds >= 0.3, "it was taken for ended when its streams were closed")
    return "exit 5"


@checks("no descriptor of the runner reaches a command")
def descriptors(ground: Ground) -> str:
    found = ground.ask(ground.box, "print(json.dumps(sorted(map(int, os.listdir('/proc/self/fd')))))")
    require(found == [0, 1, 2, 3], f"open descriptors: {found}")  # 3 is the listing's own
    return "0, 1 and 2"


@checks("commands run at the same time")
def concurrency(ground: Ground) -> str:
    box = ground.box
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        printed = list(pool.map(lambda n: box.run(["sh", "-c", f"sleep 1; echo {n}"], timeout=60).stdout, range(8)))
    took = time.monotonic() - began
    require(printed == [b"%d\n" % n for n in range(8)], f"results were mixed: {printed}")
    require(took < 6, f"8 commands of 1 s took {took:.1f} s")
    return f"8 commands of 1 s in {took:.1f} s"
