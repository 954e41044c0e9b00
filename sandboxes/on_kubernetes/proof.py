"""Does the cluster impose what a pod asks for? Found out by trying, in throw-away pods, before the first box is made.

`PROBE` runs in such a pod and reports what it found as JSON; `judge` decides, purely. A manifest is only a wish: a
network plugin may ignore policies, an old kubelet makes tmpfs without a size, a runtime may leave limits out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contract import LimitUnenforceable, SandboxUnavailable
from ..layout import WRITABLE

PORT = 48620
"""Where the listening pod listens."""
CONNECT_S = 2.0

LISTENER = f"""
import socket, sys
s = socket.create_server(("::", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True) if socket.has_dualstack_ipv6() \\
    else socket.create_server(("", {PORT}))
s.settimeout(60)
sys.stdout.write("listening\\n"); sys.stdout.flush()
try:
    while True:
        s.accept()[0].close()
except OSError:
    pass
"""
"""Given to `python3 -c` in one pod, for another to try: that reaching each other is forbidden is the policy's doing,
since pods of a cluster otherwise can."""

PROBE = f"""
import errno, json, os, resource, socket, sys, threading
found, tried = {{"reached": [], "uid": os.getuid()}}, []
def knock(host, port):
    try:
        # Bytes: of a name that is none, Python would import half of Unicode, which a Python brought along has not.
        socket.create_connection((host.encode(), port), timeout={CONNECT_S}).close()
        found["reached"].append(f"{{host}}:{{port}}")
    except OSError:
        pass
    tried.append(host)
services = os.environ.get("KUBERNETES_SERVICE_HOST", "")
wanted = sys.argv[1:]
if services:
    wanted.append(services + " " + os.environ.get("KUBERNETES_SERVICE_PORT", "443"))
if "." in services:
    wanted.append(services.rpartition(".")[0] + ".10 53")  # where most clusters have their DNS
threads = [threading.Thread(target=knock, args=(host, int(port))) for host, port in
           (target.rsplit(" ", 1) for target in wanted)]
for one in threads: one.start()
for one in threads: one.join()
if len(tried) != len(wanted):
    sys.exit("what a box could reach was not tried")
def text(path):
    try:
        with open(path) as file: return file.read()
    except OSError:
        return None
found["sizes"] = {{path: os.statvfs(path).f_blocks * os.statvfs(path).f_frsize for path in {list(WRITABLE)!r}}}
found["status"] = text("/proc/self/status")
found["swap"] = text("/proc/swaps")
found["cgroup"] = {{name: text("/sys/fs/cgroup/" + name) for name in
    ("memory.max", "memory.stat", "memory.events", "memory.swap.max", "cpu.max",
     "memory/memory.limit_in_bytes", "memory/memory.stat", "memory/memory.oom_control",
     "memory/memory.memsw.limit_in_bytes", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")}}
try:
    os.close(os.open("/forgehand-probe", os.O_CREAT | os.O_WRONLY)); found["root"] = "writable"
except OSError as error:
    found["root"] = errno.errorcode[error.errno]
found["token"] = os.path.exists("/var/run/secrets/kubernetes.io")
resource.setrlimit(resource.RLIMIT_NPROC, (12, 12))
children, found["forks"] = [], "endless"
for _ in range(24):
    try:
        pid = os.fork()
    except OSError as error:
        found["forks"] = errno.errorcode[error.errno]
        break
    if not pid:
        import time
        time.sleep(20); os._exit(0)  # they count while they live; killed below, or gone with a lost parent
    children.append(pid)
for pid in children:
    os.kill(pid, 9); os.waitpid(pid, 0)
print(json.dumps(found))
"""
"""Given to `python3 -c` with `host port` pairs to try; needs nothing but the standard library's core."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What holds on this cluster. `memory_group`: the directory where a box sees its own memory control group, in
    which the runner watches the programs' memory; None when it sees none."""

    memory_group: str | None


def read_report(data: bytes) -> Mapping[str, Any]:
    """The probe's report. SandboxUnavailable when it is none."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SandboxUnavailable("no box can be made", f"the probe says {data[:300]!r} and no report")
    return found


def judge(report: Mapping[str, Any], *, disk_bytes: int, memory_bytes: int, cpus: float, own_kernel: bool) -> Findings:
    """What the report of a probe means, whose pod asked for these limits. LimitUnenforceable, SandboxUnavailable.

    `memory_bytes` is the container's whole limit. `own_kernel`: a RuntimeClass is in use, whose kernel may show no
    seccomp filter and no control groups of the node's.
    """
    _network(report["reached"])
    check_disk(report["sizes"], disk_bytes)
    if report["forks"] != "EAGAIN":
        raise LimitUnenforceable(
            "processes",
            f"RLIMIT_NPROC does not stop a program from forking (it ended with {report['forks']})",
            "Use another RuntimeClass: gVisor before 2024 ignores that limit",
        )
    _rights(report, own_kernel)
    return Findings(_memory(report["cgroup"], report["swap"] or "", memory_bytes, cpus, own_kernel))


def _network(reached: Sequence[str]) -> None:
    if reached:
        raise LimitUnenforceable(
            "network",
            f"a pod of the namespace reaches {', '.join(map(str, reached))[:300]}",
            "Apply k8s/sandbox/ (default-deny NetworkPolicies) on a cluster whose network plugin enforces "
            "NetworkPolicy (Calico, Cilium, kube-router, ...) from a pod's first moment on",
        )


def check_disk(sizes: Mapping[str, int], disk_bytes: int) -> None:
    """LimitUnenforceable unless each filesystem, of these bytes, is as small as asked for."""
    for path, size in sizes.items():
        if not 0 < size <= disk_bytes + (1 << 16):  # a page of the largest kind
            raise LimitUnenforceable(
                "disk_bytes",
                f"{path} has {size} bytes where {disk_bytes} were asked for",
                "Use Kubernetes 1.22 or later, or the feature gate SizeMemoryBackedVolumes of the kubelet",
            )


def _rights(report: Mapping[str, Any], own_kernel: bool) -> None:
    status = dict(line.split(":\t", 1) for line in str(report["status"]).splitlines() if ":\t" in line)
    wrong = []
    if report["uid"] == 0:
        wrong.append("programs are root")
    if any(int(status.get(name, "1"), 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")):
        wrong.append("capabilities are left")
    if status.get("NoNewPrivs", "0").strip() != "1" and not own_kernel:
        wrong.append("programs can gain privileges")
    if status.get("Seccomp", "0").strip() != "2" and not own_kernel:
        wrong.append("no seccomp filter is in force")
    if report["root"] == "writable":
        wrong.append("the image can be written to")
    if report["token"]:
        wrong.append("a service account's token is mounted")
    if wrong:
        raise SandboxUnavailable(
            "no box can be made",
            "the pods are not what was asked for: " + ", ".join(wrong),
            "See to the node's runtime",
        )


_CGROUPS = {
    "/sys/fs/cgroup": ("memory.max", "memory.stat", "memory.events"),
    "/sys/fs/cgroup/memory": ("memory/memory.limit_in_bytes", "memory/memory.stat", "memory/memory.oom_control"),
}


def _memory(
    cgroup: Mapping[str, str | None], swaps: str, memory_bytes: int, cpus: float, own_kernel: bool
) -> str | None:
    for directory, (limit, stat, events) in _CGROUPS.items():
        if _number(cgroup[limit]) is not None and cgroup[stat] and "oom_kill" in (cgroup[events] or ""):
            shown = _number(cgroup[limit]) or 0
            if shown > memory_bytes:
                raise LimitUnenforceable("memory_bytes", f"the container's limit is {shown}, not {memory_bytes} bytes")
            _swap(cgroup, swaps, shown)
            _cpus(cgroup, cpus)
            return directory
    if own_kernel:
        return None
    raise LimitUnenforceable(
        "memory_bytes",
        "a container does not see its own memory control group with a limit at /sys/fs/cgroup",
        "Use a runtime that mounts it, as containerd and CRI-O do",
    )


def _swap(cgroup: Mapping[str, str | None], swaps: str, limit: int) -> None:
    if len(swaps.splitlines()) <= 1:
        return
    both = _number(cgroup["memory/memory.memsw.limit_in_bytes"])
    if _number(cgroup["memory.swap.max"]) != 0 and (both is None or both > limit):
        raise LimitUnenforceable("memory_bytes", "programs can be swapped out", "Run the nodes without swap")


def _cpus(cgroup: Mapping[str, str | None], cpus: float) -> None:
    quota, period = _number(cgroup["cpu/cpu.cfs_quota_us"]), _number(cgroup["cpu/cpu.cfs_period_us"])
    if cgroup["cpu.max"]:
        first, second = cgroup["cpu.max"].split()
        quota, period = _number(first), _number(second)
    if quota is None or not period or not 0 < quota <= cpus * period * 1.01 + 1000:
        raise LimitUnenforceable(
            "cpus", f"the container's CPU quota is {quota} of {period} us", "Enable CPU quotas in the kubelet"
        )


def _number(text: str | None) -> int | None:
    value = (text or "").strip()
    return int(value) if value.lstrip("-").isdigit() else None
