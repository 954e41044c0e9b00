"""A worker of its own process, to be killed in the middle of what it does, and the sweep that comes after.

python -m tests.sandboxes.killed_worker live|sweep|prove KIND OWNER STATE NAME MARK
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from sandboxes import BubblewrapBackend, DockerBackend, KubernetesBackend, PlainBackend, SandboxSpec
from sandboxes.contract import Backend
from sandboxes.on_kubernetes.proof import Findings
from tests.sandboxes import docker_engine, images, kubernetes_cluster

MIB = 1 << 20
SPEC = SandboxSpec(memory_bytes=128 * MIB, disk_bytes=32 * MIB, lifetime_s=600.0)


def made(kind: str, owner: str, state: Path) -> BubblewrapBackend | PlainBackend | KubernetesBackend | DockerBackend:
    match kind:
        case "local-bwrap":
            return BubblewrapBackend(state)
        case "local-plain":
            return PlainBackend(state, allow_unisolated=True)
        case "kubernetes":
            return KubernetesBackend(kubernetes_cluster.place(), owner=owner, image=kubernetes_cluster.image())
    image = docker_engine.image(images.PYTHON)
    return DockerBackend(runtime=kind.removeprefix("docker-"), owner=owner, image=image)


def live(backend: Backend, name: str, mark: str) -> None:
    """One box from its making to its end; says on standard output when it begins and how many seconds it took."""
    if isinstance(backend, KubernetesBackend):  # what the cluster imposes was proven by the test's own process
        backend._reach()._findings[False] = Findings("/sys/fs/cgroup/memory")
    print("begin", flush=True)
    began = time.monotonic()
    box = backend.create(SPEC, name=name)
    box.write("file", b"x" * MIB)
    box.run(["sh", "-c", f"setsid sleep {mark} & sleep 0.3"], timeout=30)
    box.get_changes()
    box.close()
    print(time.monotonic() - began, flush=True)


def remains(backend: Backend, owner: str, state: Path) -> list[str]:
    """What the engine still has of this owner. What is being removed already may take some seconds more."""
    if isinstance(backend, KubernetesBackend):
        until = time.monotonic() + 60
        while left := [str(pod["metadata"]["name"]) for pod in backend._reach().pods.mine()]:
            if time.monotonic() > until:
                break
            time.sleep(0.3)
        return left
    if isinstance(backend, DockerBackend):
        found = ["docker", "ps", "-aq", "--filter", f"label=forgehand.dev/owner={owner}"]
        return subprocess.run(found, capture_output=True, text=True, check=True).stdout.split()
    return [path.name for path in (state / "boxes").iterdir()]


def main(action: str, kind: str, owner: str, folder: str, name: str, mark: str) -> None:
    state = Path(folder)
    backend = made(kind, owner, state)
    if action == "live":
        live(backend, name, mark)
    elif action == "prove" and isinstance(backend, KubernetesBackend):
        print("begin", flush=True)
        backend.probe()
        print("0", flush=True)
    else:
        removed = list(backend.reap(tuple))
        print(
            json.dumps({"removed": removed, "again": list(backend.reap(tuple)), "left": remains(backend, owner, state)})
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
