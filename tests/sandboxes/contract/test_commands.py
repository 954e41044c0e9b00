"""What every backend promises about running commands, beyond the checks (test_checks.py)."""

import pytest

from sandboxes.contract import SandboxError


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
