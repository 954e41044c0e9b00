"""Finding and killing whole process trees through /proc, and the prctl(2) calls that keep a tree together."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import time
from collections.abc import Container

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 24, 38, 2
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}): {os.strerror(ctypes.get_errno())}")


def become_subreaper() -> bool:
    """Orphans below this process become its children instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER).

    False where only process 1 can be one: gVisor before 2023, as Debian 12 has it, answers EINVAL to all others.
    """
    try:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise
    return True


def hide_from_commands() -> None:
    """Forbids processes of the same user to trace this one or open its descriptors (prctl(2), PR_SET_DUMPABLE).

    Without it a command could write into the protocol stream through /proc/PID/fd and forge results.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def act_as(uid: int, gid: int) -> None:
    """Acts as a user from now on, and stays somebody else, root, in the eyes of that user's programs: where the kernel
    protects neither process 1 nor what hides (gVisor), they could otherwise kill and read this one. What is
    started from now on has no capability to gain. OSError."""
    capability = 0
    while _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) == 0:
        capability += 1
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(0, uid, 0)
    hide_from_commands()


def is_acting() -> bool:
    """Whether this process acts as a user who is not really its own."""
    real, acting, _ = os.getresuid()
    return real != acting


def give_up_root() -> None:
    """Becomes the user this process acts as, for good and without a right left. OSError."""
    if not is_acting():
        return
    acting = os.geteuid()
    os.seteuid(0)
    os.setresuid(acting, acting, acting)


_refused: set[bytes] = set()


def refuse_calls(program: bytes) -> None:
    """Puts a system call filter (an array of struct sock_filter) on this process and all it starts from now on, on
    top of those that are there (prctl(2), PR_SET_SECCOMP). The same one is put on only once. OSError."""
    if program in _refused:
        return
    code = ctypes.create_string_buffer(program, len(program))
    length = len(program) // 8
    filter_program = ctypes.create_string_buffer(struct.pack("@HP", length, ctypes.addressof(code)))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), filter_program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"no system call filter: {os.strerror(ctypes.get_errno())}")
    _refused.add(program)


def signal_on_parent_death(number: int) -> None:
    """Delivers `number` to this process when the thread that forked it ends (prctl(2), PR_SET_PDEATHSIG)."""
    _prctl(_PR_SET_PDEATHSIG, number)


def table() -> dict[int, tuple[int, bytes]]:
    """All processes of this pid namespace: pid to (parent's pid, state letter)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fd = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue  # ended since the listing
            try:
                data = os.read(fd, 4096)
            except OSError:
                continue
            finally:
                os.close(fd)
            # The name in parentheses may itself hold spaces and parentheses: fields start after the last one.
            state, parent = data[data.rindex(b")") + 2 :].split(b" ", 2)[:2]
            found[int(name)] = (int(parent), state)
    return found


def below(root: int, processes: dict[int, tuple[int, bytes]], spare: Container[int] = ()) -> list[int]:
    """The living descendants of `root`, without those in `spare` and everything under them. Zombies are left out."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    found = []
    todo = [root]
    while todo:
        for pid in children.get(todo.pop(), ()):
            if pid not in spare:
                todo.append(pid)
                if processes[pid][1] not in (b"Z", b"X"):
                    found.append(pid)
    return found


def kill_below(root: int, spare: Container[int] = (), *, give_up_after: float = 10.0) -> bool:
    """SIGKILLs everything below `root` until a look finds nothing alive; False when that took too long.

    Nothing is reaped meanwhile: the zombies of a fork bomb count against the process limit, so that what was not
    seen in one look finds no room to fork before the next.
    """
    deadline = time.monotonic() + give_up_after
    while victims := below(root, table(), spare):
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def kill_marked(root: int, mark: bytes, spare: Container[int], *, give_up_after: float = 10.0) -> None:
    """SIGKILLs the children of `root` with `mark` in their environment and all below them, until a look finds none."""
    deadline = time.monotonic() + give_up_after
    while time.monotonic() < deadline:
        processes = table()
        victims = [
            pid
            for pid, (parent, state) in processes.items()
            if parent == root and pid not in spare and state not in (b"Z", b"X") and mark in _environment(pid)
        ]
        if not victims:
            return
        for pid in [*victims, *(child for victim in victims for child in below(victim, processes))]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []  # gone


def resident_bytes(pids: list[int]) -> int:
    """Private resident memory of some processes together, in bytes; what has ended counts nothing."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                fields = file.read().split()
        except OSError:
            continue
        total += (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    return total
