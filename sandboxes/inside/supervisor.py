"""One process between the runner and each command, which owns everything the command starts.

The supervisor is the subreaper of its command: whatever double-forks or calls setsid comes back to it as a child. So
concurrent commands never mix, and when the command ends (or the supervisor is told to, or the runner dies) all that
is left below is killed before the end is reported.
"""

from __future__ import annotations

import os
import resource
import signal

from .processes import become_subreaper, give_up_root, kill_below, private_pipe, signal_on_parent_death

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MARK = b"SANDBOX_SUPERVISOR"
"""Set to the supervisor's pid in a command's environment where that one cannot be a subreaper: how its orphans are
known then."""
_WATCHED = {signal.SIGCHLD, signal.SIGTERM}


class Started:
    """A command under way: its supervisor's pid and the runner's ends of its pipes.

    `report` yields the lines `exit STATUS` (a wait(2) status) and, before it when exec failed, `exec ERRNO`, and
    `orphans 1` where the supervisor cannot collect them.
    """

    __slots__ = ("pid", "report", "stderr", "stdin", "stdout")

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int, report: int) -> None:
        self.pid, self.stdin, self.stdout, self.stderr, self.report = pid, stdin, stdout, stderr, report


def start(argv: list[bytes], cwd: bytes, env: dict[bytes, bytes], rlimits: dict[int, tuple[int, int]]) -> Started:
    """Starts `argv` under a supervisor of its own. OSError when the box has no room for it."""
    fds: list[int] = []
    try:
        for _ in range(3):
            fds += os.pipe()
        fds += private_pipe()
        in_r, in_w, out_r, out_w, err_r, err_w, rep_r, rep_w = fds
        # Blocked across the fork: a signal must not run the runner's handlers in the supervisor.
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        try:
            runner = os.getpid()
            pid = os.fork()
            if pid == 0:
                _supervise((in_r, out_w, err_w), rep_w, runner, argv, cwd, env, rlimits)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
    except OSError:
        for fd in fds:
            os.close(fd)
        raise
    for fd in (in_r, out_w, err_w, rep_w):
        os.close(fd)
    for fd in (in_w, out_r, err_r, rep_r):
        os.set_blocking(fd, False)
    return Started(pid, in_w, out_r, err_r, rep_r)


def _supervise(
    stdio: tuple[int, int, int],
    report: int,
    runner: int,
    argv: list[bytes],
    cwd: bytes,
    env: dict[bytes, bytes],
    rlimits: dict[int, tuple[int, int]],
) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal_on_parent_death(signal.SIGTERM)
        _close_except(*stdio, report)
        if os.getppid() != runner:
            os._exit(0)  # the runner died before it could be watched
        if not become_subreaper():
            os.write(report, b"orphans 1\n")
            env = {**env, MARK: b"%d" % os.getpid()}
        command = os.fork()
        if command == 0:
            _execute(stdio, report, argv, cwd, env, rlimits)
        for fd in stdio:
            os.close(fd)
        status = _wait(command)
        if _has_children():
            kill_below(os.getpid())
        status = _reap_all(command, status)
        os.write(report, b"exit %d\n" % status)
    finally:
        os._exit(0)


def _wait(command: int) -> int | None:
    """The wait status of `command`, or None when told to end it first."""
    while True:
        number = signal.sigwait(_WATCHED)
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == command:
                return status
            if pid == 0:
                break
        if number == signal.SIGTERM:
            return None


def _has_children() -> bool:
    """False proves that nothing is left: whoever is below a subreaper descends from one of its children."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap_all(command: int, status: int | None) -> int:
    while True:
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            return signal.SIGKILL if status is None else status
        if pid == command:
            status = ended


def _execute(
    stdio: tuple[int, int, int],
    report: int,
    argv: list[bytes],
    cwd: bytes,
    env: dict[bytes, bytes],
    rlimits: dict[int, tuple[int, int]],
) -> NoReturn:
    try:
        give_up_root()
        signal_on_parent_death(signal.SIGKILL)  # a change of user would undo it
        os.setsid()
        # Above 2 first, so that dup2 cannot overwrite an end which is still needed.
        high = [os.dup(fd) if fd < 3 else fd for fd in stdio]
        for target, fd in enumerate(high):
            os.dup2(fd, target)
        report = os.dup(report) if report < 3 else report
        _close_except(0, 1, 2, report)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them; a program expects the default
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for name, bounds in rlimits.items():
            resource.setrlimit(name, bounds)
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)  # noqa: S606 - running what it is given is what a box is for
    except OSError as error:
        os.write(report, b"exec %d\n" % (error.errno or 0))
    finally:
        os._exit(127)


def _close_except(*keep: int) -> None:
    low = 0
    for fd in sorted(keep):
        if low < fd:  # Python 3.11 hands an empty range from 0 to close_range(2) as one without end
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
