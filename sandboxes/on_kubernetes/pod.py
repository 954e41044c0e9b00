"""The pod of a box, as the manifest that is sent. Pure: a spec, a place and an identity in, plain values out.

Written for current Kubernetes and valid from 1.20 on. Everything a pod gets by default and a stranger should not have
is taken away here: the service account's token, the addresses of services, capabilities, root, a writable image.

A pod has two containers. In `box` everything happens; `porch`, where hosts come in (`inside.bridge`), shares with it
the network alone, so that no command can end a host's bridge or read the token it brings.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..contract import WORKSPACE, SandboxSpec, SandboxUnavailable
from ..layout import WRITABLE
from .bringing import PARTS, PLACE, Python, architecture
from .place import Place

UIDS = range(1 << 20, 1 << 30, 2)
"""Each box has a user id of its own, and its porch the next: RLIMIT_NPROC counts by user on the whole node, so boxes
that share one would share its processes too. No image and no node has accounts that high."""
GID = 65532
VOLUMES: Mapping[str, str] = dict(zip(("work", "home", "tmp", "shm"), WRITABLE, strict=True))
"""Volume to path, of what a program in the box can write to."""
RUNNER = "/run/forgehand"
RUNNER_ZIP = f"{RUNNER}/runner.zip"
LAST_WORDS = "/root/forgehand-ended"
"""A path inside every container, where the kubelet mounts a file of the node's disk, writable by everybody, without a
limit. It cannot be left out; where it usually is (/dev/termination-log) a program could fill the disk through it."""
BOX_CONTAINER, PORCH_CONTAINER = "box", "porch"
IDLE = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGTERM})"
"""What the porch does, given to `python3 -c`: nothing, until it is told to end."""
SPARE_MEMORY = 128 << 20
PREFIX = "forgehand.dev/"
MANAGED = "app.kubernetes.io/managed-by"
BOX, OWNER, DEADLINE, TOKEN, SPEC = (PREFIX + word for word in ("box", "owner", "deadline", "token", "spec"))
TOGETHER = f"{PREFIX}together"
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_OWNER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_EPHEMERAL = 32 << 20
"""What the node's own disk may hold for a container: nothing but the (empty) log of process 1."""
_PORCH_MEMORY = 64 << 20
_ARCHITECTURE = "kubernetes.io/arch"


@dataclass(frozen=True, slots=True)
class Runner:
    """The runner on the cluster, by ConfigMaps' names: its modules, and the parts of the Python that is brought along
    in an image's stead, if it is; joined they take `space` bytes."""

    modules: str
    parts: tuple[str, ...] = ()
    space: int = 0

    @property
    def python(self) -> Python:
        return Python.BROUGHT if self.parts else Python.OWN


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a box from all others. `owner`: the installation it belongs to. `token`: what a host proves itself
    with. `deadline` in seconds since 1970."""

    name: str
    owner: str
    token: bytes
    uid: int
    deadline: float
    labels: Mapping[str, str]


def check_owner(owner: str) -> str:
    """ValueError unless `owner` can be a label's value."""
    if not _OWNER.fullmatch(owner):
        raise ValueError(f"an owner is up to 40 of a-z A-Z 0-9 _ - between letters or digits, not {owner!r}")
    return owner


def pod_name(owner: str, name: str) -> str:
    """The pod's name for a box's: the same for the same box, so that making it twice is noticed by the API server."""
    both = f"{owner}-{name}"
    if _SUBDOMAIN.fullmatch(both):
        return f"forgehand-{both}"
    slug = re.sub(r"[^a-z0-9]+", "-", both.lower()).strip("-")
    return f"forgehand-{slug}-{hashlib.sha256(both.encode()).hexdigest()[:12]}"


def memory_limit(spec: SandboxSpec, watched: bool) -> int:
    """Bytes of the memory control group, which counts the box's files too: they are on tmpfs.

    `watched`: the runner holds the programs to `memory_bytes` by itself; where it cannot, programs and files share it.
    """
    return spec.memory_bytes + SPARE_MEMORY + (spec.disk_bytes if watched else 0)


def make_pod(
    spec: SandboxSpec,
    place: Place,
    identity: Identity,
    *,
    image: str,
    command: Sequence[str],
    runner: Runner,
    watched: bool = True,
) -> dict[str, Any]:
    """The manifest. `command`: process 1 of the box, as arguments of Python. `runner`: what is mounted at `RUNNER`."""
    runtime = place.runtime_for(spec.gpus)
    python, brought = runner.python, runner.python is Python.BROUGHT
    pod_spec: dict[str, Any] = {
        "restartPolicy": "Never",
        # The runner ends the box at its lifetime; this is for one that does not, and counts the start too.
        "activeDeadlineSeconds": math.ceil(spec.lifetime_s + place.start_timeout_s),
        "terminationGracePeriodSeconds": 1,
        "serviceAccountName": place.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "shareProcessNamespace": False,
        "hostname": "sandbox",
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"], "searches": [], "options": [{"name": "attempts", "value": "1"}]},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": identity.uid + 1,  # for the pause container; a group without a user stops some runtimes
            "runAsGroup": GID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [one.manifest() for one in _tolerations(spec, place)],
        "containers": [
            {
                **_container(BOX_CONTAINER, place, image, python.command(*command), identity.uid),
                "workingDir": WORKSPACE,
                "resources": _resources(spec, place, watched),
                "volumeMounts": [
                    *({"name": name, "mountPath": path} for name, path in VOLUMES.items()),
                    _RUNNER,
                    *([{**_PYTHON, "readOnly": True}] if brought else []),
                ],
            },
            {
                **_container(PORCH_CONTAINER, place, image, python.porch_command("-c", IDLE), identity.uid + 1),
                "workingDir": "/",
                "resources": _porch_resources(runner.space),
                "volumeMounts": [_RUNNER, *([_PYTHON, *_part_mounts(runner)] if brought else [])],
            },
        ],
        "volumes": [*_volumes(spec), *_runner_volumes(runner)],
    }
    if brought:
        # Kubelets start containers in this order, on which nothing depends: so the box need not wait for the porch.
        pod_spec["containers"].reverse()
    if selector := node_selector(spec, place, runner):
        pod_spec["nodeSelector"] = selector
    if spec.together:
        pod_spec["affinity"] = _on_one_node(spec.together, identity.owner)
    if runtime:
        pod_spec["runtimeClassName"] = runtime
    if place.priority_class:
        pod_spec["priorityClassName"] = place.priority_class
    if place.pull_secrets:
        pod_spec["imagePullSecrets"] = [{"name": name} for name in place.pull_secrets]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(spec, place, identity), "spec": pod_spec}


def _metadata(spec: SandboxSpec, place: Place, identity: Identity) -> dict[str, Any]:
    """Annotations hold everything; labels, which allow less, what they can, for people's selectors and policies."""
    facts = {f"{PREFIX}label-{key}": value for key, value in identity.labels.items()}
    facts |= {BOX: identity.name, OWNER: identity.owner, DEADLINE: f"{identity.deadline:.0f}"}
    labels = {key: value for key, value in facts.items() if _LABEL.fullmatch(value) and _key(key)}
    return {
        "name": pod_name(identity.owner, identity.name),
        "namespace": place.namespace,
        "labels": {
            **labels,
            "app.kubernetes.io/name": "sandbox",
            MANAGED: "forgehand",
            OWNER: identity.owner,
            **({TOGETHER: spec.together} if spec.together else {}),
        },
        "annotations": {
            **{key: value for key, value in facts.items() if _key(key)},
            TOKEN: identity.token.hex(),
            SPEC: json.dumps(asdict(spec)),
            # The node's autoscaler must not move a box: what it holds cannot be made anew elsewhere.
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        },
    }


def _on_one_node(together: str, owner: str) -> dict[str, Any]:
    """Only on a node that has the others; the first of them, which has only itself to match, goes anywhere.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
    """
    others = {"matchLabels": {MANAGED: "forgehand", OWNER: owner, TOGETHER: together}}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": others}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _key(key: str) -> bool:
    return bool(_LABEL.fullmatch(key.removeprefix(PREFIX)))


def _tolerations(spec: SandboxSpec, place: Place) -> Sequence[Any]:
    return (*place.tolerations, *(place.gpu_tolerations if spec.gpus else ()))


def container_of(pod: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One of a pod's containers as its spec has it. KeyError."""
    containers: Mapping[str, Mapping[str, Any]] = {one["name"]: one for one in pod["spec"]["containers"]}
    return containers[name]


def node_selector(spec: SandboxSpec, place: Place, runner: Runner) -> dict[str, str]:
    """What a box's nodes must be labelled. A Python that is brought along runs on one kind of processor only.
    SandboxUnavailable, where that is not the kind the place is made of."""
    wanted = {**place.node_selector, **(place.gpu_node_selector if spec.gpus else {})}
    if runner.python is Python.OWN:
        return wanted
    here = architecture(platform.machine())
    if (there := wanted.setdefault(_ARCHITECTURE, here)) != here:
        raise SandboxUnavailable(
            "the image has no Python for the runner",
            f"and the one of this process is for {here}, not for nodes of {there}",
            "Use an image with Python 3.9 or later",
        )
    return wanted


_RUNNER: Mapping[str, Any] = {"name": "runner", "mountPath": RUNNER, "readOnly": True}
_PYTHON: Mapping[str, Any] = {"name": "python", "mountPath": PLACE}


def _part_mounts(runner: Runner) -> list[dict[str, Any]]:
    return [{"name": f"part-{n}", "mountPath": f"{PARTS}/{n}", "readOnly": True} for n, _ in enumerate(runner.parts)]


def _runner_volumes(runner: Runner) -> list[dict[str, Any]]:
    maps = {"runner": runner.modules, **{f"part-{n}": name for n, name in enumerate(runner.parts)}}
    volumes: list[dict[str, Any]] = [
        {"name": volume, "configMap": {"name": name, "defaultMode": 0o444}} for volume, name in maps.items()
    ]
    if runner.parts:
        volumes.append({"name": "python", "emptyDir": {"medium": "Memory", "sizeLimit": str(runner.space)}})
    return volumes


def _container(name: str, place: Place, image: str, command: Sequence[str], uid: int) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": place.pull_policy,
        "command": list(command),
        "stdin": False,
        "tty": False,
        "terminationMessagePath": LAST_WORDS,
        "terminationMessagePolicy": "FallbackToLogsOnError",  # what a process 1 that fails says
        "securityContext": {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": uid,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
            "procMount": "Default",
        },
    }


def _resources(spec: SandboxSpec, place: Place, watched: bool) -> dict[str, Any]:
    memory = memory_limit(spec, watched)
    limits = {
        "cpu": f"{max(1, math.ceil(spec.cpus * 1000))}m",
        "memory": str(memory),
        "ephemeral-storage": str(_EPHEMERAL),
    }
    requests = {
        **limits,
        "cpu": f"{max(1, math.ceil(spec.cpus * 1000 * place.request_share))}m",
        "memory": str(math.ceil(memory * place.request_share)),
    }
    if spec.gpus:
        limits[place.gpu_resource] = requests[place.gpu_resource] = str(spec.gpus)
    return {"limits": limits, "requests": requests}


def _porch_resources(space: int) -> dict[str, Any]:
    """`space`: what it puts into a tmpfs, which counts as its memory, and is kept by the node's disk in pieces."""
    limits = {"cpu": "500m", "memory": str(_PORCH_MEMORY + space), "ephemeral-storage": str(_EPHEMERAL + space)}
    return {"limits": limits, "requests": {**limits, "cpu": "5m", "memory": str(_PORCH_MEMORY // 4 + space)}}


def _volumes(spec: SandboxSpec) -> list[dict[str, Any]]:
    return [{"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(spec.disk_bytes)}} for name in VOLUMES]
