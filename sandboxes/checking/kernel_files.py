"""The wall, as far as it is made of files: the kernel's own, the host's, and sockets of those who command it."""

from __future__ import annotations

from .canaries import planted_files
from .ground import Ground
from .registry import Book, require

checks = Book("walls")
_OPEN = """
opened = []
for path in args[0]:
    try: fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError: continue
    os.close(fd)
    opened.append(path)
print(json.dumps(opened))
"""
_KERNEL = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/module/kernel/parameters/panic",
)
_DEVICES = ("/dev/mem", "/dev/kmsg", "/dev/port", "/dev/kvm", "/dev/fuse", "/dev/loop-control", "/dev/mapper/control")


@checks("the kernel's files cannot be written")
def kernel_files(ground: Ground) -> str:
    opened = ground.ask(ground.box, _OPEN, _KERNEL)
    if opened and ground.own_kernel:
        return f"of gVisor's own kernel, and not the host's: {', '.join(opened)}"
    require(not opened, f"opened for writing: {', '.join(opened)}")
    return f"{len(_KERNEL)} of /proc/sys, /proc and /sys"


@checks("the host's devices are not there")
def devices(ground: Ground) -> str:
    code = _OPEN.replace(
        "args[0]",
        "args[0] + ['/dev/' + n for n in os.listdir('/dev') if n[:2] in ('vd', 'sd', 'nv', 'xv', 'dm', 'lo')]",
    )
    opened = ground.ask(ground.box, code, _DEVICES)
    if opened and ground.own_kernel:
        return f"of gVisor's own kernel, and not the host's: {', '.join(opened)}"
    require(not opened, f"opened for writing: {', '.join(opened)}")
    return "no memory, disk, kvm, fuse or log"


@checks("control groups cannot be written")
def control_groups(ground: Ground) -> str:
    code = """
opened = []
names = {"release_agent", "notify_on_release", "cgroup.procs", "tasks", "memory.limit_in_bytes", "memory.max",
         "pids.max", "cpu.max", "cpu.cfs_quota_us", "devices.allow", "cgroup.subtree_control"}
for top in ("/sys/fs/cgroup", "/run/forgehand"):
    for folder, folders, files in os.walk(top):
        if folder.count("/") > 8: folders.clear()
        for name in names & set(files):
            try: os.close(os.open(os.path.join(folder, name), os.O_WRONLY))
            except OSError: continue
            opened.append(os.path.join(folder, name))
        if len(opened) > 4: break
print(json.dumps(opened[:5]))
"""
    opened = ground.ask(ground.box, code)
    if opened and ground.own_kernel:
        return f"of gVisor's own kernel, and not the host's: {', '.join(opened)}"
    require(not opened, f"opened for writing: {', '.join(opened)}")
    return "limits, tasks and release_agent"


@checks("nothing but the box's own places is writable")
def writable_places(ground: Ground) -> str:
    code = """
own = [os.path.realpath(p) for p in
       (os.getcwd(), os.environ["HOME"], os.environ.get("TMPDIR", "/tmp"), "/work", "/tmp", "/dev/shm")]
mounts = [line.split()[4] for line in open("/proc/self/mountinfo")]
mounts = [m.encode().decode("unicode_escape") for m in mounts]
tops = ["/" + name for name in os.listdir("/")]
usual = ["/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/run", "/run/forgehand", "/home", "/root", "/var", "/var/tmp",
         "/var/lib", "/opt", "/dev", sys.base_prefix]
written = []
for place in dict.fromkeys([*mounts, *tops, *usual]):
    real = os.path.realpath(place)
    if real in own or real.startswith(("/proc", "/sys", "/dev/pts", "/dev/mqueue")) or not os.path.isdir(real): continue
    canary = os.path.join(real, f".forgehand-canary-{os.getpid()}")
    try: fd = os.open(canary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError: continue
    os.close(fd); os.unlink(canary); written.append(place)
print(json.dumps(written))
"""
    written = ground.ask(ground.box, code)
    require(not written, f"a file could be made in {', '.join(written[:8])}")
    return "the workspace, home, temporary files and shared memory"


@checks("the host's files are out of reach")
def host_files(ground: Ground) -> str:
    with planted_files() as planted:
        box = ground.box
        for path, content in planted.items():
            for way in (path, f"/proc/1/root{path}", f"/proc/self/root/../..{path}", f"/host{path}", f"/mnt{path}"):
                seen = box.run(["cat", way], timeout=30).stdout
                require(content not in seen, f"a file of the checker's machine can be read as {way}")
        shadow = box.run(["cat", "/etc/shadow"], timeout=30).stdout
        require(not shadow, "/etc/shadow can be read")
        return f"{len(planted)} planted files, /etc/shadow"


_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
)


@checks("no engine's socket is there")
def engine_sockets(ground: Ground) -> str:
    code = """
found = []
for path in args[0]:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(2)
    try: s.connect(path); found.append(path)
    except OSError: pass
    s.close()
for folder, _, files in (w for top in ("/run", "/var/run") for w in os.walk(top)):
    for name in files:
        path = os.path.join(folder, name)
        if path.endswith("docker.sock") and os.path.exists(path): found.append(path)
print(json.dumps(sorted(set(found))))
"""
    found = ground.ask(ground.box, code, _SOCKETS)
    require(not found, f"reached {', '.join(found)}")
    return ", ".join(path.rpartition("/")[2] for path in _SOCKETS)
