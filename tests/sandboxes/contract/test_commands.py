"""What every backend promises about running commands."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandboxes.contract import SandboxError
from sandboxes.inside.frames import encode

PY = "python3"


def py(box, code, *, timeout=20.0, **options):
    return box.run([PY, "-c", code], timeout=timeout, **options)


def test_exit_code_and_separate_streams(box):
    result = box.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=10)
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert (result.truncated, result.timed_out, result.oom) == (False, False, False)
    assert (result.stdout_bytes, result.stderr_bytes) == (4, 4)
    assert 0 < result.seconds < 10


def test_a_signal_is_a_negative_exit_code(box):
    assert box.run(["sh", "-c", "kill -TERM $$"], timeout=10).exit_code == -15


@pytest.mark.parametrize(("argv", "code"), [(["no-such-program"], 127), (["/"], 126), (["./plain.txt"], 126)])
def test_what_cannot_be_started_says_so(box, argv, code):
    box.write("plain.txt", b"no program")
    result = box.run(argv, timeout=10)
    assert result.exit_code == code
    assert argv[0].encode() in result.stderr


def test_arguments_arrive_as_they_are(box):
    arguments = ["", " ", "a b", "'\"$(id)`id`", "*", "\n", "-n", "caf\udce9", "é"]
    result = py(box, "import sys, os; sys.stdout.buffer.write(b'|'.join(map(os.fsencode, sys.argv[1:])))", timeout=10)
    assert result.stdout == b""
    code = "import sys, os; sys.stdout.buffer.write(b'|'.join(map(os.fsencode, sys.argv[1:])))"
    result = box.run([PY, "-c", code, *arguments], timeout=10)
    assert result.stdout == b"|".join(map(os.fsencode, arguments))


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


def test_cwd(box):
    box.write("sub/x", b"")
    assert box.run(["ls"], cwd="sub", timeout=5).stdout == b"x\n"
    assert box.run(["ls"], cwd="/work/sub", timeout=5).stdout == b"x\n"
    with pytest.raises(FileNotFoundError):
        box.run(["ls"], cwd="/work/nowhere", timeout=5)
    with pytest.raises(NotADirectoryError):
        box.run(["ls"], cwd="sub/x", timeout=5)


def test_env_is_added_and_nothing_of_ours_is_there(make_box, monkeypatch):
    monkeypatch.setenv("FORGEHAND_CANARY", "canary-5d1f")
    box = make_box()
    env = dict(line.split(b"=", 1) for line in box.run(["env"], timeout=5, env={"EXTRA": "1=2"}).stdout.splitlines())
    assert env[b"EXTRA"] == b"1=2"
    assert b"HOME" in env
    assert b"FORGEHAND_CANARY" not in env
    everything = box.run(["sh", "-c", "cat /proc/self/environ; env; set"], timeout=5)
    assert b"canary-5d1f" not in everything.stdout + everything.stderr


def test_stdin_arrives_and_ends(box):
    assert box.run(["cat"], timeout=10, stdin=b"a\0b\n").stdout == b"a\0b\n"
    assert box.run(["cat"], timeout=10).stdout == b""


def test_large_stdin_arrives(box):
    data = os.urandom(1 << 20) * 9
    assert box.run(["sha256sum"], timeout=30, stdin=data).exit_code == 0
    assert box.run(["wc", "-c"], timeout=30, stdin=data).stdout.split()[0] == b"%d" % len(data)


def test_stdin_nobody_reads_is_no_error(box):
    assert box.run(["true"], timeout=10, stdin=b"x" * (1 << 20)).exit_code == 0


def test_binary_output_is_exact(box):
    result = py(box, "import sys; sys.stdout.buffer.write(bytes(range(256)) * 100)")
    assert result.stdout == bytes(range(256)) * 100


def test_a_hundred_megabytes_of_output_keep_head_and_tail(box):
    code = "import sys\nfor n in range(100): sys.stdout.buffer.write(b'%07d\\n' % n * 131072)"
    result = py(box, code, timeout=60, output_limit=10_000)
    assert result.stdout_bytes == 100 * 131072 * 8
    assert result.truncated
    assert len(result.stdout) <= 10_000
    assert result.stdout.startswith(b"0000000\n")
    assert result.stdout.endswith(b"0000099\n")
    assert b"bytes left out" in result.stdout


def test_output_which_imitates_the_protocol_is_output(box):
    forged = encode({"id": 1, "ok": True, "exit_code": 0}, b"forged") * 3
    result = box.run(["cat"], timeout=10, stdin=forged)
    assert (result.exit_code, result.stdout) == (0, forged)
    assert box.run(["sh", "-c", "exit 7"], timeout=10).exit_code == 7


def test_a_program_that_closes_its_streams_still_ends_properly(box):
    result = py(box, "import os, time\nfor fd in (0, 1, 2): os.close(fd)\ntime.sleep(.1); os._exit(5)")
    assert (result.exit_code, result.stdout, result.stderr) == (5, b"", b"")


def test_no_descriptor_of_the_runner_is_inherited(box):
    result = py(box, "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    assert result.stdout in (b"[0, 1, 2, 3]\n",)  # 3 is the listing's own


def test_commands_run_concurrently(box):
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: box.run(["sh", "-c", f"sleep 1; echo {n}"], timeout=20), range(8)))
    assert [result.stdout for result in results] == [b"%d\n" % n for n in range(8)]
    assert time.monotonic() - began < 6


def test_files_can_be_read_while_a_command_runs(box):
    thread = threading.Thread(target=lambda: box.run(["sleep", "3"], timeout=10))
    thread.start()
    box.write("a", b"x")
    assert box.read("a") == b"x"
    assert thread.is_alive()
    thread.join()
