"""Processes between the runner and its commands, each of which owns everything its command starts.

A supervisor is the subreaper of its command: whatever double-forks or calls setsid comes back to it as a child. So
concurrent commands never mix, and when the command ends (or the supervisor is told to, or the runner dies) all that
is left below is killed before the end is reported. A supervisor nothing was left below takes the next command: to fork
this interpreter anew for each would cost more than most commands do.
"""

from __future__ import annotations

import errno
import marshal
import os
import resource
import signal
import socket

from .processes import become_subreaper, give_up_root, is_acting, kill_below, signal_on_parent_death

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Request = tuple[list[bytes], bytes, dict[bytes, bytes], dict[int, tuple[int, int]]]

MARK = b"SANDBOX_SUPERVISOR"
"""Set to the supervisor's pid in a command's environment where that one cannot be a subreaper: how its orphans are
known then."""
MAX_IDLE = 4
_WATCHED = {signal.SIGCHLD, signal.SIGTERM}
_TAKE_S = 5.0
"""How long an idle supervisor may take to accept a command; one that a command keeps stopping is given up."""


class Started:
    """A command under way: its supervisor's pid and the runner's ends of its pipes.

    `report` is the supervisor's socket and yields the lines `exit STATUS` (a wait(2) status) and, before it when exec
    failed, `exec ERRNO`, and `orphans 1` where the supervisor cannot collect them.
    """

    __slots__ = ("pid", "report", "stderr", "stdin", "stdout")

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int, report: socket.socket) -> None:
        self.pid, self.stdin, self.stdout, self.stderr, self.report = pid, stdin, stdout, stderr, report


class Supervisors:
    """The runner's supervisors: those without a command wait for one."""

    def __init__(self) -> None:
        self._idle: dict[int, socket.socket] = {}

    def start(
        self, argv: list[bytes], cwd: bytes, env: dict[bytes, bytes], rlimits: dict[int, tuple[int, int]]
    ) -> Started:
        """Starts `argv` under a supervisor that has no other command. OSError when the box has no room for it."""
        fds: list[int] = []
        try:
            for _ in range(3):
                fds += os.pipe()
            in_r, in_w, out_r, out_w, err_r, err_w = fds
            pid, control = self._given(marshal.dumps((argv, cwd, env, rlimits)), [in_r, out_w, err_w])
        except OSError:
            for fd in fds:
                os.close(fd)
            raise
        for fd in (in_r, out_w, err_w):
            os.close(fd)
        for fd in (in_w, out_r, err_r):
            os.set_blocking(fd, False)
        return Started(pid, in_w, out_r, err_r, control)

    def release(self, started: Started, *, clean: bool) -> None:
        """Its command has ended. `clean`: nobody told it to end, and nothing was left below it."""
        if clean and len(self._idle) < MAX_IDLE:
            self._idle[started.pid] = started.report
        else:
            started.report.close()

    def ended(self, pid: int) -> None:
        """One was reaped. No error when it was none of the idle ones."""
        if pid in self._idle:
            self._idle.pop(pid).close()

    def _given(self, request: bytes, fds: list[int]) -> tuple[int, socket.socket]:
        message = len(request).to_bytes(4, "little") + request
        while True:
            fresh = not self._idle
            pid, control = _forked() if fresh else self._idle.popitem()
            try:
                os.kill(pid, signal.SIGCONT)  # whatever a command did to it
                control.settimeout(_TAKE_S)
                sent = socket.send_fds(control, [message], fds)
                control.sendall(message[sent:])
                control.setblocking(False)
                return pid, control
            except OSError:
                # Killed by a command while it was idle, or stopped again and again: it is no loss.
                control.close()
                _kill(pid)
                if fresh:
                    raise


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _forked() -> tuple[int, socket.socket]:
    """A new supervisor and the runner's end of its socket, which nobody can open through /proc. OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        # Blocked across the fork: a signal must not run the runner's handlers in the supervisor.
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        try:
            runner = os.getpid()
            pid = os.fork()
            if pid == 0:
                _supervise(theirs, runner)
        except OSError:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
    return pid, ours


def _supervise(control: socket.socket, runner: int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal_on_parent_death(signal.SIGTERM)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        _close_except(0, 1, 2, control.fileno())
        if os.getppid() != runner:
            os._exit(0)  # the runner died before it could be watched
        collects = become_subreaper()
        while _serve_one(control, runner, collects=collects):
            pass
    finally:
        os._exit(0)


def _serve_one(control: socket.socket, runner: int, *, collects: bool) -> bool:
    """Takes a command and sees it to its end; False when this supervisor is not to go on."""
    data, fds, _, _ = socket.recv_fds(control, 1 << 16, 3)
    for fd in fds:
        os.set_inheritable(fd, False)  # recv_fds of Python before 3.12 loses its flags on the way
    while data and len(data) < 4 + int.from_bytes(data[:4], "little"):
        if not (more := control.recv(1 << 16)):
            return False
        data += more
    if len(fds) != 3:
        return False  # the runner has gone
    argv, cwd, env, rlimits = marshal.loads(data[4:])  # noqa: S302 - from the runner, of which this is a copy
    told = False
    while pending := signal.sigtimedwait(_WATCHED, 0):
        told |= pending.si_signo == signal.SIGTERM and pending.si_pid == runner
    lines = []
    if not collects:
        lines.append(b"orphans 1\n")
        env[MARK] = b"%d" % os.getpid()
    try:
        command = _started((fds[0], fds[1], fds[2]), (argv, cwd, env, rlimits))
    except OSError as error:
        command = 0
        lines.append(b"exec %d\nexit %d\n" % (error.errno or 0, 127 << 8))
    for fd in fds:
        os.close(fd)
    if command:
        status = None if told else _wait(command, runner)
        told |= status is None
        if _has_children():
            kill_below(os.getpid())
        lines.append(b"exit %d\n" % _reap_all(command, status))
    os.chdir("/")
    control.sendall(b"".join(lines))
    return not told


def _started(stdio: tuple[int, int, int], request: Request) -> int:
    """The pid of the command, which has a session of its own. OSError when it cannot be executed."""
    argv, cwd, env, rlimits = request
    if is_acting():
        return _forked_command(stdio, request)
    os.chdir(cwd)
    for name, bounds in rlimits.items():
        resource.setrlimit(name, bounds)
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(stdio)]
    failure: OSError | None = None
    for program in _candidates(argv[0], env):
        try:
            return os.posix_spawn(
                program, argv, env, file_actions=actions, setsid=True, setsigmask=(),
                # Python ignores them; a program expects the default.
                setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
            )  # fmt: skip
        except NotImplementedError:
            return _forked_command(stdio, request)
        except OSError as error:
            if failure is None or failure.errno in (errno.ENOENT, errno.ENOTDIR):
                failure = error
    raise failure or FileNotFoundError(errno.ENOENT, "no such program")


def _candidates(name: bytes, env: dict[bytes, bytes]) -> list[bytes]:
    """Where a program may be, as execvp(3) looks for it: the name itself, or below the folders of PATH."""
    if b"/" in name:
        return [name]
    folders = env.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    found = [os.path.join(folder, name) for folder in folders]
    return [path for path in found if os.path.lexists(path)]


def _forked_command(stdio: tuple[int, int, int], request: Request) -> int:
    """The same by fork, where the command has to change its user before it is executed."""
    told_r, told_w = os.pipe()
    command = os.fork()
    if command == 0:
        _execute(stdio, told_w, *request)
    os.close(told_w)
    said = os.read(told_r, 16)
    os.close(told_r)
    if said:
        os.waitpid(command, 0)
        raise OSError(int(said), "not executed")
    return command


def _wait(command: int, runner: int) -> int | None:
    """The wait status of `command`, or None when the runner says to end it first."""
    while True:
        found = signal.sigwaitinfo(_WATCHED)
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == command:
                return status
            if pid == 0:
                break
        if found.si_signo == signal.SIGTERM and found.si_pid == runner:
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
    told: int,
    argv: list[bytes],
    cwd: bytes,
    env: dict[bytes, bytes],
    rlimits: dict[int, tuple[int, int]],
) -> NoReturn:
    try:
        give_up_root()
        signal_on_parent_death(signal.SIGKILL)  # a change of user would undo it
        os.setsid()
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        _close_except(0, 1, 2, told)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them; a program expects the default
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for name, bounds in rlimits.items():
            resource.setrlimit(name, bounds)
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)  # noqa: S606 - running what it is given is what a box is for
    except OSError as error:
        os.write(told, b"%d" % (error.errno or errno.EIO))
    finally:
        os._exit(127)


def _close_except(*keep: int) -> None:
    low = 0
    for fd in sorted(keep):
        if low < fd:  # Python 3.11 hands an empty range from 0 to close_range(2) as one without end
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
