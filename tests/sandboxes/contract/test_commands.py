"""What every backend promises about running commands, beyond the checks (test_checks.py)."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandboxes.contract import Box, SandboxError


@pytest.mark.parametrize("argv", [[], "ls"])
def test_no_argv_is_an_error_of_the_caller(box, argv):
    with pytest.raises(ValueError, match="argv"):
        box.run(argv, timeout=1)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_must_be_one(box, timeout):
    with pytest.raises(ValueError, match="timeout"):
        box.run(["true"], timeout=timeout)


def test_a_nul_in_argv_is_refused(box):
    with pytest.raises(SandboxError, match="NUL"):
        box.run(["echo", "a\0b"], timeout=5)


def test_what_is_left_out_of_the_output_is_said_where_it_was(box):
    result = box.run(
        ["sh", "-c", "echo first; head -c 100000 /dev/zero; echo; echo last"], timeout=20, output_limit=1000
    )
    assert b"bytes left out" in result.stdout
    assert (result.stderr, result.stderr_bytes) == (b"", 0)


def test_the_time_a_command_takes_is_measured_inside(box):
    assert 0.3 <= box.run(["sleep", "0.3"], timeout=20).seconds < 10


def test_the_program_that_cannot_be_started_is_named(box):
    assert b"no-such-program" in box.run(["no-such-program"], timeout=20).stderr


_COUNT = """import os; print(len(os.listdir("/proc/self/fd")))"""
_SIGNAL_OTHERS = """
import os, sys
def parent(pid):
    try:
        return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0
own = os.getppid()
runner = parent(own)
found = [int(one) for one in os.listdir("/proc") if one.isdigit()]
for pid in found:
    if pid != own and parent(pid) == runner:
        try:
            os.kill(pid, int(sys.argv[1]))
        except OSError as error:
            print(error)
"""


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_what_waits_for_commands_cannot_be_used_against_them(number: signal.Signals, box: Box) -> None:
    """Supervisors wait for their next command as processes of the box, which commands may signal."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: box.run(["sleep", "0.3"], timeout=60), range(3)))
    for _ in range(2):
        assert box.run(["python3", "-c", _SIGNAL_OTHERS, str(int(number))], timeout=60).exit_code == 0
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda n: box.run(["sh", "-c", f"exit {n}"], timeout=60), range(4)))
        assert [result.exit_code for result in results] == [0, 1, 2, 3]
        assert max(result.seconds for result in results) < 20


def test_one_command_after_another_starts_as_the_first_did(box: Box) -> None:
    for turn in range(3):
        box.write(f"{turn}/file", b"")
        seen = box.run(
            ["sh", "-c", f"pwd; ulimit -c; echo $X; umask; python3 -c '{_COUNT}'; cat"],
            cwd=f"/work/{turn}", timeout=60, env={"X": str(turn)}, stdin=b"in",
        )  # fmt: skip
        where, cores, variable, mask, number, *rest = seen.stdout.decode().splitlines()
        assert (where.endswith(f"/{turn}"), cores, variable, mask, rest) == (True, "0", str(turn), "0022", ["in"])
        assert int(number) == 4, "three streams, and the folder that is listed"
