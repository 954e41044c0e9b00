"""A world of its own for what isolates nothing: the checks attack plain processes here, in earnest.

Run by the tests through unshare(1), with namespaces of its own for mounts, network, processes, IPC and host name. Every
address of the world is here and answers, DNS too; there is a Docker socket and an account token to be found. Prints
what each check saw on plain processes, and on each faulty backend, as one JSON document.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandboxes import PlainBackend
from sandboxes.checking import CHECKS, Ground, perform
from tests.sandboxes.faulty import FAULTS, faulty

NAME_SERVER = "192.0.2.9"


def furnish() -> None:
    """Fills the namespaces. Everything here ends with them."""
    for command in (
        "ip link set lo up",
        f"ip addr add {NAME_SERVER}/24 dev lo",
        "ip -6 addr add fd00::9/64 dev lo nodad",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 route add local ::/0 dev lo",
        "mount -t tmpfs -o mode=755 none /run",
        "mount -t tmpfs -o mode=1777 none /tmp",
        "mount -t tmpfs -o mode=1777 none /dev/shm",
    ):
        subprocess.run(command.split(), check=True)
    Path("/run/secrets/kubernetes.io").mkdir(parents=True)
    Path("/run/resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
    subprocess.run(["mount", "--bind", "/run/resolv.conf", "/etc/resolv.conf"], check=True)
    engine = socket.socket(socket.AF_UNIX)
    engine.bind("/run/docker.sock")
    engine.listen()
    threading.Thread(target=answer_names, args=(engine,), daemon=True).start()


def answer_names(_kept_open: socket.socket) -> None:
    """A name server to which every name is 203.0.113.7 (RFC 1035, without any other type)."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAME_SERVER, 53))
    while True:
        query, peer = server.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        address = query[end - 4 : end - 2] == b"\0\1"
        head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if address else b"\0\0") + b"\0\0\0\0" + query[12:end]
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton("203.0.113.7")
        server.sendto(head + answer if address else head, peer)


def main() -> None:
    furnish()
    state = Path(tempfile.mkdtemp())
    seen = {"plain": {}, "faulty": {}}
    with Ground(PlainBackend(state / "plain", allow_unisolated=True)) as ground:
        for check in CHECKS:
            if check.name not in FAULTS:
                seen["plain"][check.name] = outcome(perform(check, ground))

    def holds(check):
        with Ground(PlainBackend(state / "sound", allow_unisolated=True)) as ground:
            sound = outcome(perform(check, ground))
        backend = PlainBackend(state / "faulty", allow_unisolated=True)
        with Ground(faulty(backend, FAULTS[check.name])) as ground:
            return sound, outcome(perform(check, ground))

    checks = [check for check in CHECKS if check.name in FAULTS]
    with ThreadPoolExecutor(6) as pool:
        for check, (sound, wrong) in zip(checks, pool.map(holds, checks), strict=True):
            seen["plain"][check.name], seen["faulty"][check.name] = sound, wrong
    json.dump(seen, sys.stdout)


def outcome(result):
    return [result.outcome, result.detail, round(result.seconds, 2)]


if __name__ == "__main__":
    main()
