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
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..contract import WORKSPACE, SandboxSpec
from ..layout import WRITABLE
from .place import Place

UIDS = range(1 << 20, 1 << 30, 2)
"""Each box has a user id of its own, and its porch the next: RLIMIT_NPROC counts by user on the whole node, so boxes
that share one would share its processes too. No image and no node has accounts that high."""
GID = 65532
VOLUMES: Mapping[str, str] = dict(zip(("work", "home", "tmp", "shm"), WRITABLE, strict=True))
"""Volume to path, of what a program in the box can write to."""
RUNNER = "/run/forgehand"
RUNNER_ZIP = f"{RUNNER}/runner.zip"
PYTHON = ("python3", "-I", "-S")
"""How the image's Python is started, for the runner and for what is asked of a pod."""
LAST_WORDS = "/root/forgehand-ended"
"""A file of the node's disk that the kubelet mounts in every container, writable by everybody, without a limit. It can
not be left out; where it is usually put (/dev/termination-log) a program could fill the disk through it."""
BOX_CONTAINER, PORCH_CONTAINER = "box", "porch"
IDLE = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); s.sigwait({s.SIGTERM})"
"""What the porch does, given to `python3 -c`: nothing, until it is told to end."""
SPARE_MEMORY = 128 << 20
PREFIX = "forgehand.dev/"
MANAGED = "app.kubernetes.io/managed-by"
BOX, OWNER, DEADLINE, TOKEN, SPEC = (PREFIX + word for word in ("box", "owner", "deadline", "token", "spec"))
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_OWNER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_EPHEMERAL = 32 << 20
"""What the node's own disk may hold for a container: nothing but the (empty) log of process 1."""
_PORCH_MEMORY = 64 << 20


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
    runner: str,
    watched: bool = True,
) -> dict[str, Any]:
    """The manifest. `command`: process 1 of the box, as arguments of `PYTHON`. `runner` names the ConfigMap that is
    mounted at `RUNNER`."""
    runtime = place.runtime_for(spec.gpus)
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
                **_container(BOX_CONTAINER, place, image, [*PYTHON, *command], identity.uid),
                "workingDir": WORKSPACE,
                "resources": _resources(spec, place, watched),
                "volumeMounts": [*({"name": name, "mountPath": path} for name, path in VOLUMES.items()), _RUNNER],
            },
            {
                **_container(PORCH_CONTAINER, place, image, [*PYTHON, "-c", IDLE], identity.uid + 1),
                "workingDir": "/",
                "resources": _porch_resources(),
                "volumeMounts": [_RUNNER],
            },
        ],
        "volumes": [*_volumes(spec), {"name": "runner", "configMap": {"name": runner, "defaultMode": 0o444}}],
    }
    if selector := {**place.node_selector, **(place.gpu_node_selector if spec.gpus else {})}:
        pod_spec["nodeSelector"] = selector
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
        },
        "annotations": {
            **{key: value for key, value in facts.items() if _key(key)},
            TOKEN: identity.token.hex(),
            SPEC: json.dumps(asdict(spec)),
            # The node's autoscaler must not move a box: what it holds cannot be made anew elsewhere.
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        },
    }


def _key(key: str) -> bool:
    return bool(_LABEL.fullmatch(key.removeprefix(PREFIX)))


def _tolerations(spec: SandboxSpec, place: Place) -> Sequence[Any]:
    return (*place.tolerations, *(place.gpu_tolerations if spec.gpus else ()))


_RUNNER: Mapping[str, Any] = {"name": "runner", "mountPath": RUNNER, "readOnly": True}


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


def _porch_resources() -> dict[str, Any]:
    limits = {"cpu": "500m", "memory": str(_PORCH_MEMORY), "ephemeral-storage": str(_EPHEMERAL)}
    return {"limits": limits, "requests": {**limits, "cpu": "5m", "memory": str(_PORCH_MEMORY // 4)}}


def _volumes(spec: SandboxSpec) -> list[dict[str, Any]]:
    return [{"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(spec.disk_bytes)}} for name in VOLUMES]
