"""What bubblewrap boxes promise beyond the contract: limits that hold, and walls that do."""

import json
import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandboxes import Bind, BoxLost, SandboxSpec, SandboxUnavailable
from sandboxes.contract import LIMITS
from tests.sandboxes.conftest import bubblewrap, new_name

MIB = 1 << 20


def py(box, code, *, timeout=30.0):
    return box.run(["python3", "-c", code], timeout=timeout)


def test_every_limit_has_a_means(tmp_path):
    assert set(bubblewrap(tmp_path).enforcement()) == set(LIMITS)


def test_memory_is_bounded_and_reported(walled):
    box = walled(memory_bytes=128 * MIB)
    result = py(box, "x = []\nfor _ in range(100): x.append(bytearray(b'x') * (10 << 20))")
    assert result.oom
    assert (result.exit_code, result.timed_out) == (-9, False)
    assert py(box, "x = bytearray(b'x') * (60 << 20); print('fits')").stdout == b"fits\n"
    assert not box.run(["false"], timeout=5).oom


def test_memory_of_many_processes_is_bounded_together(walled):
    box = walled(memory_bytes=128 * MIB)
    one = "python3 -c 'x = bytearray(b\"x\") * (40 << 20); import time; time.sleep(20)' & "
    result = box.run(["sh", "-c", one * 6 + "wait"], timeout=30)
    assert result.oom


@pytest.mark.parametrize(
    "hold",
    [
        "m = mmap.mmap(-1, 300 << 20); [m.write(b'x' * (1 << 20)) for _ in range(300)]",
        "f = os.memfd_create('x'); [os.write(f, b'x' * (1 << 20)) for _ in range(300)]",
    ],
    ids=["shared mapping", "memfd"],
)
def test_shared_memory_counts_as_memory(walled, hold):
    box = walled(memory_bytes=128 * MIB)
    assert py(box, f"import mmap, os, time\n{hold}\ntime.sleep(5)").oom


def test_the_largest_command_pays_for_the_memory(walled):
    box = walled(memory_bytes=128 * MIB)
    with ThreadPoolExecutor(1) as pool:
        small = pool.submit(box.run, ["sh", "-c", "sleep 3; echo fine"], timeout=20)
        time.sleep(0.3)
        assert py(box, "x = bytearray(b'x') * (400 << 20)").oom
        assert small.result().stdout == b"fine\n"


def test_files_are_disk_not_memory_and_disk_is_bounded(walled):
    box = walled(memory_bytes=64 * MIB, disk_bytes=200 * MIB)
    result = box.run(["head", "-c", "150M", "/dev/zero"], timeout=20, output_limit=10)
    assert result.exit_code == 0
    assert box.run(["sh", "-c", "head -c 150M /dev/zero > /work/f"], timeout=20).exit_code == 0
    full = box.run(["sh", "-c", "head -c 150M /dev/zero > /work/g"], timeout=20)
    assert full.exit_code == 1
    assert b"No space left" in full.stderr
    assert not full.oom
    with pytest.raises(Exception, match="No space left"):
        box.write("h", b"x" * (60 * MIB))
    assert box.run(["rm", "/work/f", "/work/g"], timeout=5).exit_code == 0
    box.write("h", b"x")


@pytest.mark.parametrize("place", ["/tmp", "/home/sandbox", "/dev/shm"])
def test_every_writable_place_is_bounded(walled, place):
    box = walled(disk_bytes=4 * MIB)
    result = box.run(["sh", "-c", f"head -c 5M /dev/zero > {place}/f"], timeout=10)
    assert b"No space left" in result.stderr


@pytest.mark.parametrize(
    "path", ["/", "/dev", "/etc", "/usr", "/run", "/run/forgehand", "/home", "/proc", "/sys", sys.base_prefix]
)
def test_nothing_else_is_writable(walled, path):
    assert walled().run(["sh", "-c", f": > {path}/canary"], timeout=5).exit_code != 0


def test_a_fork_bomb_finds_the_limit_and_the_box_lives(walled):
    box = walled(processes=64)
    bomb = "import os, time\nwhile True:\n try: os.fork()\n except OSError: time.sleep(.01)"
    began = time.monotonic()
    assert py(box, bomb, timeout=2).timed_out
    assert time.monotonic() - began < 10
    assert box.run(["echo", "ok"], timeout=10).stdout == b"ok\n"


def test_the_process_limit_counts_what_is_there(walled):
    box = walled(processes=50)
    code = """
import os, time
made = 0
try:
    for _ in range(400):
        if os.fork() == 0:
            time.sleep(10); os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
    assert 40 <= int(py(box, code).stdout) <= 210


def test_cpu_is_bounded(walled):
    box = walled(cpus=0.25)
    code = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    assert float(py(box, code).stdout) < 1.0


def test_the_lifetime_ends_the_box(walled):
    box = walled(lifetime_s=1.0)
    began = time.monotonic()
    with pytest.raises(BoxLost):
        box.run(["sleep", "30"], timeout=60)
    assert time.monotonic() - began < 10
    with pytest.raises(BoxLost):
        box.read("x")


def test_no_network(walled):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET, ("8.8.8.8", 53)),
                        (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET6, ("2001:4860:4860::8888", 53))):
    s = socket.socket(family)
    s.settimeout(2)
    try:
        s.connect(address)
        print("connected", address)
    except OSError:
        pass
print(socket.if_nameindex())
"""
        assert py(walled(), code).stdout == b"[(1, 'lo')]\n"


def test_abstract_sockets_of_the_host_are_out_of_reach(walled):
    name = f"\0forgehand-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({name!r})"
        assert b"ConnectionRefusedError" in py(walled(), code).stderr


def test_files_of_the_host_are_out_of_reach(walled, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("secret-7c1e")
    home = Path.home()
    box = walled()
    for path in (canary, home / ".bashrc", "/etc/shadow", "/etc/passwd", "/var/log", tmp_path / "state", __file__):
        result = box.run(["cat", str(path)], timeout=5)
        assert b"secret" not in result.stdout
        assert str(path) == "/etc/passwd" or result.exit_code != 0
    passwd = box.run(["cat", "/etc/passwd"], timeout=5).stdout
    assert len(passwd.splitlines()) == 2


def test_the_hosts_environment_is_out_of_reach(walled, monkeypatch):
    monkeypatch.setenv("FORGEHAND_CANARY", "secret-91ab")
    box = walled()
    everything = box.run(["sh", "-c", "cat /proc/*/environ /proc/*/cmdline; env"], timeout=5)
    assert b"secret-91ab" not in everything.stdout + everything.stderr


PROBES = {
    "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "unshare a user namespace": "libc.unshare(0x10000000)",
    "unshare a network namespace": "libc.unshare(0x40000000)",
    "clone a user namespace": "libc.syscall(56 if x86 else 220, 0x10000000 | 17, 0, 0, 0, 0)",
    "setns": "libc.setns(os.open('/proc/self/ns/mnt', 0), 0)",
    "ptrace": "libc.ptrace(16, 1, 0, 0)",
    "keyctl": "libc.syscall(250 if x86 else 219, 0, -4, 0, 0, 0)",
    "bpf": "libc.syscall(321 if x86 else 280, 0, 0, 0)",
    "perf_event_open": "libc.syscall(298 if x86 else 241, 0, 0, 0, 0, 0)",
    "userfaultfd": "libc.syscall(323 if x86 else 282, 0)",
    "io_uring": "libc.syscall(425, 1, 0)",
    "read another process's memory": "libc.process_vm_readv(1, 0, 0, 0, 0, 0)",
    "setuid root": "libc.setuid(0)",
    "chroot": "libc.chroot(b'/tmp')",
    "mknod a device": "libc.mknod(b'/tmp/d', 0o20666, 0x101)",
}


@pytest.mark.parametrize("attempt", PROBES.values(), ids=PROBES)
def test_system_calls_that_lead_out_are_refused(walled, attempt):
    code = (
        f"import ctypes, os, platform\nx86 = platform.machine() == 'x86_64'\nlibc = ctypes.CDLL(None)\nprint({attempt})"
    )
    result = py(walled(), code)
    assert result.stdout == b"-1\n", result.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/vm/drop_caches",
        "/proc/sysrq-trigger",
        "/proc/1/mem",
        "/proc/1/fd/3",
        "/proc/1/environ",
        "/proc/1/root/etc",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/vda",
        "/run/forgehand/memory/memory.limit_in_bytes",
        "/run/forgehand/memory/memory.max",
        "/run/forgehand/runner.zip",
    ],
)
def test_files_that_lead_out_are_refused(walled, path):
    code = f"import os\ntry: os.open({path!r}, os.O_RDWR); print('opened')\nexcept OSError: pass"
    assert py(walled(), code).stdout == b""


def test_the_runner_cannot_be_looked_into_or_killed(walled):
    box = walled()
    script = (
        "kill -KILL 1; kill -STOP 1; ls /proc/1/fd /proc/1/cwd/; cat /proc/1/maps /proc/$PPID/maps; ls /proc/$PPID/fd"
    )
    result = box.run(["sh", "-c", script], timeout=10)
    assert result.stdout in (b"", b"/proc/1/fd:\n")
    assert box.run(["echo", "ok"], timeout=5).stdout == b"ok\n"
    box.run(["sh", "-c", "kill -KILL -1"], timeout=10)
    assert box.run(["echo", "ok"], timeout=5).stdout == b"ok\n"


def test_no_rights_at_all(walled):
    status = walled().read("/proc/self/status").decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Seccomp"] == "2"
    assert fields["NoNewPrivs"] == "1"
    assert all(int(fields[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert fields["Uid"].split() == ["65532"] * 4


def test_on_the_host_too_a_box_is_not_root(walled):
    box = walled()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(box.run, ["sleep", "1.25"], timeout=10)
        found = []
        while not found and not running.done():
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if (entry / "cmdline").read_bytes() == b"sleep\x001.25\x00":
                        found.append(entry.stat().st_uid)
                except OSError:
                    continue
        running.result()
    assert found
    assert 0 not in found


def test_two_boxes_do_not_see_each_other(walled):
    one, two = walled(), walled()
    one.write("/tmp/x", b"1")
    with pytest.raises(FileNotFoundError):
        two.read("/tmp/x")
    assert one.read("/tmp/x") == b"1"


def test_a_killed_box_is_lost_and_says_so(walled, tmp_path):
    box = walled()
    [record] = [p.read_text() for p in (tmp_path / "state" / "boxes").glob("*.json")]
    pid = json.loads(record)["runner"]["pid"]
    thread = threading.Timer(0.5, os.kill, (pid, 9))
    thread.start()
    began = time.monotonic()
    with pytest.raises(BoxLost, match="Make a new one"):
        box.run(["sleep", "30"], timeout=60)
    assert time.monotonic() - began < 5
    for use in (lambda: box.run(["true"], timeout=1), lambda: box.read("x"), box.get_changes):
        with pytest.raises(BoxLost):
            use()
    thread.join()


def test_a_box_outlives_the_thread_that_made_it(tmp_path):
    backend = bubblewrap(tmp_path)
    made = []
    thread = threading.Thread(target=lambda: made.append(backend.create(SandboxSpec(), name=new_name())))
    thread.start()
    thread.join()
    with made[0] as box:
        assert box.run(["sh", "-c", "sleep .3; echo ok"], timeout=5).stdout == b"ok\n"


def test_read_only_paths_show_where_they_are_asked_for(tmp_path):
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "f").write_text("seen")
    (shown / "tool").write_text("#!/bin/sh\necho tool ran\n")
    (shown / "tool").chmod(0o755)
    backend = bubblewrap(tmp_path / "state", read_only=[Bind(str(shown), "/opt/shown")], path=["/opt/shown"])
    with backend.create(SandboxSpec(), name=new_name()) as box:
        assert box.read("/opt/shown/f") == b"seen"
        assert box.run(["tool"], timeout=5).stdout == b"tool ran\n"
        assert box.run(["touch", "/opt/shown/f"], timeout=5).exit_code != 0


@pytest.mark.parametrize("target", ["/work/x", "/tmp", "/home/sandbox/.venv", "/proc", "relative", "/a/../etc", "/"])
def test_read_only_paths_cannot_cover_the_boxs_own(target):
    with pytest.raises(ValueError, match="target"):
        Bind("/x", target)


def test_an_image_is_refused(tmp_path):
    with pytest.raises(SandboxUnavailable, match="image"):
        bubblewrap(tmp_path).create(SandboxSpec(image="debian"), name=new_name())


def test_the_hosts_python_is_the_boxs(walled):
    result = py(walled(), "import sys; print(sys.version_info[:3], sys.base_prefix)")
    assert result.stdout.decode() == f"{tuple(sys.version_info[:3])} {sys.base_prefix}\n"
