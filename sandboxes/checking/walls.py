"""The wall itself: system calls, files of the kernel, the runner, and what a process may be.

Each probe is harmless where it succeeds: bad arguments that are looked at only after the right to call, files opened
for writing and not written to, everything in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..contract import BoxLost
from .ground import Ground
from .registry import Book, Breach, require

checks = Book("walls")

# name: (number on x86_64, on aarch64, arguments). "zeros" stands for a buffer of zero bytes, other strings are paths.
_CALLS: Mapping[str, tuple[int, int, Sequence[int | str]]] = {
    "mount": (165, 40, ["none", "mounted", "tmpfs", 0, 0]),
    "umount2": (166, 39, ["mounted", 0]),
    "fsopen": (430, 430, ["tmpfs", 0]),
    "open_tree": (428, 428, [-100, "/", 1]),
    "chroot": (161, 51, ["mounted"]),
    "unshare a user namespace": (272, 97, [0x10000000]),
    "unshare a mount namespace": (272, 97, [0x00020000]),
    "unshare a network namespace": (272, 97, [0x40000000]),
    "clone a user namespace": (56, 220, [0x10000000 | 17, 0, 0, 0, 0]),
    "clone a pid namespace": (56, 220, [0x20000000 | 17, 0, 0, 0, 0]),
    "setns": (308, 268, ["open:/proc/self/ns/uts", 0]),
    "mknod a disk": (133, -1, ["node", 0o60666, 0xFE00]),
    "mknodat /dev/mem": (259, 33, [-100, "node2", 0o20666, 0x101]),
    "setuid root": (105, 146, [0]),
    "setgid root": (106, 144, [0]),
    "reboot": (169, 142, [0, 0, 0, 0]),
    "swapon": (167, 224, ["nothing", 0]),
    "acct": (163, 89, ["nothing"]),
    "sethostname": (170, 161, ["zeros", -1]),
    "keyctl": (250, 219, [0, -3, 1, 0, 0]),
    "add_key": (248, 217, ["user", "forgehand", "zeros", 1, -1]),
    "bpf": (321, 280, [0, "words:2,4,4,1", 16]),
    "perf_event_open": (298, 241, ["words:1,112", 0, -1, -1, 0]),
    "userfaultfd": (323, 282, [0]),
    "io_uring": (425, 425, [1, "zeros"]),
    "read the kernel's log": (103, 116, [3, "zeros", 200]),
    "raise its own priority": (141, 140, [0, 0, -5]),
    "open_by_handle_at": (304, 265, [-100, "words:4,1,0", 0]),
}
_GROUPS = {
    "mounting is refused": ("mount", "umount2", "fsopen", "open_tree", "chroot"),
    "namespaces cannot be made or entered": (
        "unshare a user namespace",
        "unshare a mount namespace",
        "unshare a network namespace",
        "clone a user namespace",
        "clone a pid namespace",
        "setns",
    ),
    "devices cannot be made": ("mknod a disk", "mknodat /dev/mem"),
    "root cannot be become": ("setuid root", "setgid root"),
    "the machine cannot be steered": ("reboot", "swapon", "acct", "sethostname", "raise its own priority"),
    "the kernel's keyrings are out of reach": ("keyctl", "add_key"),
    "bpf and perf events are refused": ("bpf", "perf_event_open"),
    "userfaultfd and io_uring are refused": ("userfaultfd", "io_uring"),
    "the kernel's log is out of reach": ("read the kernel's log",),
    "files cannot be opened by handle": ("open_by_handle_at",),
}
_ATTEMPT = """
import platform, struct
column = 0 if platform.machine() == "x86_64" else 1
libc = ctypes.CDLL(None, use_errno=True)
os.makedirs("mounted", exist_ok=True)

def value(argument):
    if isinstance(argument, int): return ctypes.c_long(argument)
    if argument == "zeros": return ctypes.create_string_buffer(4096)
    if argument.startswith("open:"): return ctypes.c_long(os.open(argument[5:], os.O_RDONLY))
    if argument.startswith("words:"):
        words = list(map(int, argument[6:].split(",")))
        return ctypes.create_string_buffer(struct.pack(f"{len(words)}I", *words), 4096)
    return ctypes.create_string_buffer(argument.encode())

def attempt(name, *call):
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        me = os.getpid()
        try:
            result = libc.syscall(call[column], *map(value, call[2]))
            number = ctypes.get_errno() if result == -1 else 0
        except OSError as error:
            number = error.errno
        if os.getpid() == me:
            os.write(w, b"%d" % number)
            if name == "mount" and number == 0: libc.umount2(b"mounted", 2)
        os._exit(0)
    os.close(w)
    said = os.read(r, 20)
    os.close(r)
    os.waitpid(child, 0)
    return int(said or -1)

found = {name: attempt(name, *call) for name, call in args[0].items() if call[column] >= 0}
for name in ("node", "node2"):
    if os.path.lexists(name): os.unlink(name)
refused = {errno.EPERM: "EPERM", errno.EACCES: "EACCES", errno.ENOSYS: "ENOSYS"}
# A user namespace in which there is no root answers EINVAL.
absent = {"setuid root": {errno.EINVAL: "no such user"}, "setgid root": {errno.EINVAL: "no such group"}}
print(json.dumps({name: {**refused, **absent.get(name, {})}.get(number)
                  or (number > 0 and "! " + os.strerror(number) or "! done") for name, number in found.items()}))
"""


def system_calls(ground: Ground, names: Sequence[str]) -> str:
    """Makes the calls, each in a process of its own: the kernel must refuse the right, not just the arguments."""
    found = ground.ask(ground.box, _ATTEMPT, {name: _CALLS[name] for name in names})
    reached = [f"{name} ({how[2:]})" for name, how in found.items() if how.startswith("!")]
    if reached and ground.own_kernel:
        return f"answered by gVisor's own kernel, and not by the host's: {', '.join(reached)}"
    require(not reached, f"not refused: {', '.join(reached)}")
    return ", ".join(f"{name}: {how}" for name, how in found.items())


def _add(title: str, names: Sequence[str]) -> None:
    checks(title)(lambda ground: system_calls(ground, names))


for _title, _names in _GROUPS.items():
    _add(_title, _names)


_RUNNER = """
libc = ctypes.CDLL(None, use_errno=True)
def parent(pid): return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
supervisor = os.getppid()
runner = parent(supervisor)
reached = []
for who, pid in (("the supervisor", supervisor), ("the runner", runner), ("process 1", 1)):
    # PTRACE_SEIZE stops nobody, and lets go when this process ends.
    if libc.ptrace(0x4206, pid, None, None) == 0: reached.append(f"ptrace of {who}")
    for name, flags in (("mem", os.O_RDONLY), ("mem", os.O_RDWR), ("environ", os.O_RDONLY), ("maps", os.O_RDONLY)):
        try: os.close(os.open(f"/proc/{pid}/{name}", flags))
        except OSError: continue
        reached.append(f"{name} of {who}")
    for name in ("fd", "root", "cwd", "map_files"):
        try: found = os.listdir(f"/proc/{pid}/{name}/")
        except OSError: continue
        reached.append(f"{name} of {who}")
        for number in found if name == "fd" else ():
            for flags in (os.O_RDONLY, os.O_WRONLY):
                try: os.close(os.open(f"/proc/{pid}/fd/{number}", flags | os.O_NONBLOCK))
                except OSError: continue
                what = os.readlink(f"/proc/{pid}/fd/{number}")
                if what != "/dev/null": reached.append(f"opening {what} of {who}")
    # One byte at address 1 that is nobody's: whoever has the right is told EFAULT.
    byte = ctypes.create_string_buffer(1)
    here, there = struct.pack("PN", ctypes.addressof(byte), 1), struct.pack("PN", 1, 1)
    for name in ("process_vm_readv", "process_vm_writev"):
        done = getattr(libc, name)(pid, here, ctypes.c_ulong(1), there, ctypes.c_ulong(1), ctypes.c_ulong(0))
        if done >= 0 or ctypes.get_errno() == errno.EFAULT: reached.append(f"{name} of {who}")
    try: pidfd = os.pidfd_open(pid)
    except OSError: continue
    if libc.syscall(438, pidfd, 0, 0) >= 0: reached.append(f"pidfd_getfd of {who}")
for folder, _, files in os.walk("/run/forgehand"):
    for name in files:
        try: os.close(os.open(os.path.join(folder, name), os.O_WRONLY))
        except OSError: continue
        reached.append(f"writing to {folder}/{name}")
print(json.dumps(sorted(set(reached))))
"""


_SHOWN = ("environ of", "maps of", "fd of")
"""What gVisor shows of every process of the same user, whatever that process says to it (PR_SET_DUMPABLE): harmless
as long as no descriptor opens and no secret is in the environment, of which there are checks."""


@checks("the runner cannot be traced, looked into or rewritten")
def runner(ground: Ground) -> str:
    reached = ground.ask(ground.box, _RUNNER)
    shown = [what for what in reached if what.startswith(_SHOWN) and ground.own_kernel]
    reached = [what for what in reached if what not in shown]
    if any(what.startswith("opening") for what in reached):
        # The pipes of this very command are in the runner too, and no secret to it: another command has others.
        again = ground.ask(ground.box, _RUNNER)
        reached = [what for what in reached if what in again]
    require(not reached, f"possible: {', '.join(reached)}")
    told = ", but gVisor shows which descriptors, maps and variables there are" if shown else ""
    return f"ptrace, memory, environment, maps, descriptors, root, its program{told}"


@checks("the runner cannot be killed or stopped")
def runner_signals(ground: Ground) -> str:
    code = """
import signal
runner = int(open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()[1])
for number in (signal.SIGSTOP, signal.SIGKILL):
    try: os.kill(runner, number)
    except PermissionError: pass
"""
    with ground.new() as box:
        try:
            ground.py(box, code)
            after = box.run(["echo", "ok"], timeout=10)
        except BoxLost as error:
            raise Breach(f"a command can end its own box: {error.why}") from error
    require(after.stdout == b"ok\n", "the next command does not work")
    return "SIGSTOP and SIGKILL do nothing"


@checks("a process has no rights")
def rights(ground: Ground) -> str:
    status = ground.box.run(["cat", "/proc/self/status"], timeout=30).stdout.decode(errors="replace")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    held = [
        name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(fields.get(name, "0").strip(), 16)
    ]
    require(not held, f"capabilities: {', '.join(f'{name} {fields[name].strip()}' for name in held)}")
    ids = {value for name in ("Uid", "Gid") for value in fields.get(name, "0").split()}
    require("0" not in ids, f"runs as root: uid {fields.get('Uid', '?').split()}")
    require("0" not in fields.get("Groups", "").split(), "is in root's group")
    if fields.get("NoNewPrivs", "").strip() != "1":
        require(ground.own_kernel, "no_new_privs is not set: a setuid program gives rights")
    return f"uid {fields['Uid'].split()[0]}, no capability in any set, no_new_privs"


@checks("system calls are filtered")
def seccomp(ground: Ground) -> str:
    status = ground.box.run(["cat", "/proc/self/status"], timeout=30).stdout
    if b"Seccomp:\t2" in status:
        return "seccomp mode 2"
    require(ground.own_kernel, "no seccomp filter: every system call of the host's kernel can be made")
    return "gVisor's own kernel answers"


@checks("a setuid program gives nothing")
def setuid_programs(ground: Ground) -> str:
    code = """
found = [p for d in ("/bin", "/usr/bin", "/sbin", "/usr/sbin") if os.path.isdir(d) for p in
         (os.path.join(d, n) for n in sorted(os.listdir(d))) if os.path.isfile(p) and os.stat(p).st_mode & 0o4000]
print(json.dumps([os.geteuid(), "NoNewPrivs:\\t1" in open("/proc/self/status").read(), found]))
"""
    user, guarded, found = ground.ask(ground.box, code)
    require(user != 0, "commands run as root already")
    require(
        guarded or ground.own_kernel or not found, f"without no_new_privs these give rights: {', '.join(found[:5])}"
    )
    return f"{len(found)} in the image, without effect"
