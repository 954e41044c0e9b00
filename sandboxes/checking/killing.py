"""Timeouts: whatever a command does about it, its whole tree ends, and the next command works at once."""

from __future__ import annotations

import contextlib
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from ..contract import Box, CommandResult
from .commands import needs
from .ground import Ground, describe
from .registry import Book, Breach, require

checks = Book("killing")

# Only builtins of a shell: it runs where there is no python3. `read` drops the NULs between arguments, so the two
# halves of the mark come in the wrong order, lest the probe find itself.
_COUNT = """
n=0
for file in /proc/[0-9]*/cmdline; do
    line=
    { IFS= read -r line < "$file"; } 2>/dev/null
    case "$line" in *"$2$1"*) n=$((n+1));; esac
done
echo $n
"""


class TooSlow(Breach):
    """The processes that a timeout was to end were not all there yet."""


def mark() -> str:
    """A number of seconds to sleep that no other process on earth sleeps."""
    return str(10**8 + secrets.randbelow(9 * 10**8))


def alive(box: Box, marked: str) -> int:
    """How many processes in the box have the mark in their arguments."""
    result = box.run(["sh", "-c", _COUNT, "sh", marked[4:], marked[:4]], timeout=60)
    require(result.exit_code == 0, f"processes could not be counted: {describe(result)}")
    return int(result.stdout)


def ends(box: Box, script: str, *, timeout: float = 1.5, within: float = 6.0, up: int = 1) -> str:
    """Runs `script`, in which {n} stands for the mark, past its timeout, and shows that nothing of it is left.

    `up`: so many marked processes, the script's own shell with them, must have been there before, or nothing is shown:
    on a machine which is too slow for that the timeout is made longer (gVisor on ptrace starts ten processes a second).
    """
    needs(box, *(program for program in ("sleep", "setsid", "nohup") if program in script))
    for slowness in (1, 10):
        with contextlib.suppress(TooSlow):
            return _ends(box, script, timeout * slowness, within, up)
    return _ends(box, script, timeout * 60, within, up)


def _ends(box: Box, script: str, timeout: float, within: float, up: int) -> str:
    marked = mark()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(box.run, ["sh", "-c", script.replace("{n}", marked)], timeout=timeout)
        seen = 0
        while not future.done() and seen < up:
            seen = max(seen, alive(box, marked))
        result = future.result()
    took = time.monotonic() - began
    if seen < up:
        raise TooSlow(f"the probe started {seen} processes and not {up}: {describe(result)}")
    require(result.timed_out, f"no timeout was reported: {describe(result)}")
    require(result.exit_code is None, f"an exit code is reported: {result.exit_code}")
    left = alive(box, marked)
    require(left == 0, f"{left} processes outlived the timeout")
    require(took < timeout + within, f"the timeout of {timeout:g} s took {took:.1f} s")
    after = box.run(["echo", "ok"], timeout=10)
    require(after.stdout == b"ok\n", f"the next command: {describe(after)}")
    return f"nothing left {max(0.0, took - timeout) * 1000:.0f} ms after the timeout"


@checks("children in the background end")
def background(ground: Ground) -> str:
    return ends(ground.box, "sleep {n} & sleep {n} & sleep {n}; wait", up=4)


@checks("what left its session ends (setsid, nohup)")
def sessions(ground: Ground) -> str:
    return ends(ground.box, "setsid sleep {n} & setsid nohup sleep {n} >/dev/null 2>&1 & sleep {n}; wait", up=4)


@checks("what was forked twice ends")
def double_fork(ground: Ground) -> str:
    return ends(ground.box, "(setsid sh -c 'sleep {n} & exit' &) ; sleep {n}; wait", up=3)


@checks("what ignores SIGTERM ends")
def deaf(ground: Ground) -> str:
    script = "trap '' TERM INT HUP; setsid sh -c \"trap '' TERM; sleep {n}; sleep {n}\" & sleep {n}; sleep {n}"
    return ends(ground.box, script, up=4)


@checks("what is stopped ends")
def stopped(ground: Ground) -> str:
    return ends(ground.box, "sh -c 'kill -STOP $$; : {n}' & sleep {n} & kill -STOP $!; sleep {n}; wait", up=4)


@checks("a thousand children end")
def thousand(ground: Ground) -> str:
    with ground.new(processes=1200) as box:
        script = "i=0; while [ $i -lt 1000 ]; do sleep {n} & i=$((i+1)); done; sleep {n}; wait"
        if ground.own_kernel:  # a hundred seconds until they are there, on two cores
            return ends(box, script, timeout=150.0, within=90.0, up=1002)
        return ends(box, script, timeout=4.0, within=15.0, up=1002)


@checks("what another subreaper keeps ends")
def subreaper(ground: Ground) -> str:
    code = """
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", args[0]])
        os._exit(0)
import signal
signal.alarm(60)  # it stays for the box to end after 1.5 s; should the box not, it goes by itself
signal.pause()
"""
    box, marked = ground.box, mark()
    # The mark is in this probe's own arguments too: split, so that only the sleepers carry it whole.
    result = ground.py(box, code.replace("args[0]", "args[0] + args[1]"), marked[:4], marked[4:], timeout=1.5)
    require(result.timed_out, f"no timeout was reported: {describe(result)}")
    left = alive(box, marked)
    require(left == 0, f"{left} processes outlived the timeout")
    return "3 orphans"


@checks("what a command leaves behind ends with it")
def leftovers(ground: Ground) -> str:
    box, marked = ground.box, mark()
    began = time.monotonic()
    script = f"sleep {marked} & setsid nohup sleep {marked} >/dev/null 2>&1 & echo started"
    result = box.run(["sh", "-c", script], timeout=30)
    took = time.monotonic() - began
    require((result.exit_code, result.stdout) == (0, b"started\n"), describe(result))
    left = alive(box, marked)
    require(left == 0, f"{left} processes outlived their command")
    require(took < 10, f"a daemon that holds the output held the command for {took:.1f} s")
    return "a daemon, and one that holds the output"


@checks("one command's timeout spares the others")
def others(ground: Ground) -> str:
    box = ground.box
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(
            box.run, ["sh", "-c", "(setsid sh -c 'sleep 2; echo late' &); sleep 3; echo done"], timeout=30
        )
        for _ in range(3):
            require(box.run(["sh", "-c", "setsid sleep 60 & sleep 60"], timeout=0.4).timed_out, "no timeout")
        result = other.result()
    require((result.exit_code, result.stdout) == (0, b"late\ndone\n"), f"the other ended with {describe(result)}")
    return "3 timeouts beside it"


@checks("a command that kills or stops its supervisor gains nothing")
def supervisor(ground: Ground) -> str:
    box, marked = ground.box, mark()
    refused = 9

    def signalling(name: str, timeout: float) -> CommandResult:
        script = f"setsid sleep {marked} & kill -{name} $PPID || exit {refused}; sleep 60"
        result = box.run(["sh", "-c", script], timeout=timeout)
        require(alive(box, marked) == 0, f"after SIG{name} its orphan lives on")
        return result

    killed = signalling("KILL", 10)
    require(killed.exit_code in (-9, refused), f"without its supervisor it ended with {describe(killed)}")
    began = time.monotonic()
    stopping = signalling("STOP", 1)
    took = time.monotonic() - began
    require(
        stopping.timed_out or stopping.exit_code == refused,
        f"a stopped supervisor prevents the timeout: {describe(stopping)}",
    )
    require(took < 25, f"the timeout of 1 s took {took:.0f} s")
    require(box.run(["echo", "ok"], timeout=10).stdout == b"ok\n", "the next command does not work")
    if killed.exit_code == refused:
        return "both signals are refused"
    return "killed: SIGKILL is reported; stopped: timed out"


@checks("output before a timeout is kept")
def output_kept(ground: Ground) -> str:
    result = ground.box.run(["sh", "-c", "echo before; sleep 60"], timeout=1)
    require(result.timed_out, describe(result))
    require(result.stdout == b"before\n", f"kept {result.stdout!r}")
    return "it is there"
