"""A timeout ends the whole tree, whatever the tree does about it, and the next command works at once."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

_marks = itertools.count(1)

ESCAPES = {
    "plain sleep": "sleep {n}",
    "background": "sleep {n} & sleep {n}",
    "setsid": "setsid sleep {n} & setsid nohup sleep {n} & sleep {n}",
    "double fork": "(setsid sh -c 'sleep {n} & exit' &) ; sleep {n}",
    "ignores TERM": "trap '' TERM INT HUP; setsid sh -c \"trap '' TERM; sleep {n}; sleep {n}\" & sleep {n}; sleep {n}",
    "stopped": "sh -c 'kill -STOP $$; sleep {n}' & sleep {n} & kill -STOP $!; sleep {n}",
}
SUBREAPER = """
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "{n}"])
        os._exit(0)
time.sleep(60)
"""


def unique_sleep() -> int:
    """A duration that marks the processes of one test."""
    return 1_000_000 + time.time_ns() % 10**9 * 100 + next(_marks)


def alive(box, mark: int) -> int:
    code = f"""
import os
n = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        n += b"{mark}" in open(f"/proc/{{pid}}/cmdline", "rb").read().split(b"\\0")
    except OSError:
        pass
print(n)
"""
    return int(box.run(["python3", "-I", "-"], stdin=code.encode(), timeout=20).stdout)


@pytest.mark.parametrize("script", ESCAPES.values(), ids=ESCAPES)
def test_a_timeout_ends_the_tree(box, script):
    mark = unique_sleep()
    began = time.monotonic()
    result = box.run(["sh", "-c", script.format(n=mark)], timeout=0.5)
    assert (result.exit_code, result.timed_out, result.oom) == (None, True, False)
    assert time.monotonic() - began < 5
    assert alive(box, mark) == 0
    assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_a_timeout_ends_the_children_of_another_subreaper(box):
    mark = unique_sleep()
    assert box.run(["python3", "-c", SUBREAPER.format(n=mark)], timeout=1).timed_out
    assert alive(box, mark) == 0


def test_a_timeout_ends_a_thousand_children(make_box):
    box = make_box(processes=1100)
    mark = unique_sleep()
    script = f"i=0; while [ $i -lt 1000 ]; do sleep {mark} & i=$((i+1)); done; echo all; wait"
    result = box.run(["sh", "-c", script], timeout=8)
    assert result.timed_out
    assert result.stdout == b"all\n"
    assert alive(box, mark) == 0


def test_what_a_command_leaves_behind_ends_with_it(box):
    mark = unique_sleep()
    began = time.monotonic()
    result = box.run(["sh", "-c", f"setsid nohup sleep {mark} >/dev/null 2>&1 & echo started"], timeout=20)
    assert (result.exit_code, result.stdout) == (0, b"started\n")
    assert time.monotonic() - began < 5
    assert alive(box, mark) == 0


def test_a_daemon_that_holds_the_output_does_not_hold_the_command(box):
    mark = unique_sleep()
    result = box.run(["sh", "-c", f"sleep {mark} & echo started"], timeout=20)
    assert (result.exit_code, result.stdout, result.timed_out) == (0, b"started\n", False)
    assert alive(box, mark) == 0


def test_one_commands_end_spares_the_others(box):
    mark = unique_sleep()
    with ThreadPoolExecutor(3) as pool:
        other = pool.submit(
            box.run, ["sh", "-c", "(setsid sh -c 'sleep 2; echo late' &); sleep 3; echo done"], timeout=20
        )
        for _ in range(3):
            assert box.run(["sh", "-c", f"setsid sleep {mark} & sleep 60"], timeout=0.3).timed_out
        result = other.result()
    assert result.exit_code == 0
    assert result.stdout == b"late\ndone\n"
    assert alive(box, mark) == 0


def test_output_before_a_timeout_is_kept(box):
    result = box.run(["sh", "-c", "echo before; sleep 60"], timeout=1)
    assert (result.timed_out, result.stdout) == (True, b"before\n")


def test_a_command_that_kills_its_supervisor_leaves_nothing(box):
    mark = unique_sleep()
    result = box.run(["sh", "-c", f"setsid sleep {mark} & kill -KILL $PPID; sleep 60"], timeout=10)
    assert result.exit_code == -9
    assert alive(box, mark) == 0
    assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_a_command_that_stops_its_supervisor_still_times_out(box):
    began = time.monotonic()
    assert box.run(["sh", "-c", "kill -STOP $PPID; sleep 60"], timeout=0.5).timed_out
    assert time.monotonic() - began < 5
