"""Boxes as pods: made, entered through the porch, taken over by name, and swept away."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from .. import seccomp
from ..box import ChannelBox
from ..channel import Channel, Failure
from ..contract import LIMITS, NO_NAMES, BoxLost, SandboxError, SandboxSpec, SandboxUnavailable
from ..egress import PORT, Policy, Tunnel
from ..egress.policy import Network
from ..inside import proxy
from ..package import BOOTSTRAP_BRIDGE, BOOTSTRAP_DOOR, runner_zip
from ..records import check_name
from . import runner_map
from .cluster import Cluster, Refused
from .fates import Fate, Trouble, fate_of
from .nature import Nature, commands_environment, nature_of
from .place import Place
from .pod import BOX, DEADLINE, PORCH_CONTAINER, RUNNER, SPEC, UIDS, WRITABLE, Identity, check_owner, make_pod, pod_name
from .pods import Pod, Pods, Troubled, token_of
from .proof import Findings, check_disk
from .proving import prove

_PYTHON = ("python3", "-I", "-S")
_ZIP = f"{RUNNER}/{runner_map.KEY}"
_GREETING_S = 30.0
_SPARE_PROCESSES = 80
"""Runner and supervisors: one for each of up to 64 commands, and some while they fork."""
_GONE_S = 15.0


class KubernetesBackend:
    """Boxes as pods of one namespace, which must hold what k8s/sandbox/ describes.

    `place`: where on which cluster. `owner` names the installation: only what carries it is seen and reaped. `image`:
    that of boxes whose spec names none. `private`: networks that are not public and may be reached all the same, when a
    destination's name stands for them. Nothing is asked of the cluster before the first call.
    """

    name = "kubernetes"

    def __init__(self, place: Place, *, owner: str, image: str | None = None, private: Sequence[Network] = ()) -> None:
        self._place = place
        self._owner = check_owner(owner)
        self._image = image
        self._private = tuple(private)
        self._lock = threading.Lock()
        self._reached: Pods | None = None
        self._cluster: Cluster | None = None
        self._findings: dict[bool, Findings] = {}
        self._natures: dict[tuple[str, str], Nature] = {}

    def probe(self) -> None:
        """Finds out, once, whether boxes can be made here and their limits hold. SandboxUnavailable,
        LimitUnenforceable."""
        self._proven(self._chosen_image(SandboxSpec()), gpus=0)

    def enforcement(self) -> Mapping[str, str]:
        found = self._proven(self._chosen_image(SandboxSpec()), gpus=0)
        watched = "; the runner ends the largest command within 50 ms of the programs' memory passing it"
        means = {
            "cpus": "CPU quota of the container",
            "memory_bytes": "memory limit of the container" + (watched if found.memory_group else ""),
            "disk_bytes": "tmpfs size (sized emptyDir in memory), for each of " + ", ".join(WRITABLE.values()),
            "processes": "RLIMIT_NPROC of a user id of the box's own",
            "network": "default-deny NetworkPolicies, tried; destinations through the proxy on its loopback alone",
            "lifetime_s": "the runner, process 1 of the box, exits; activeDeadlineSeconds; reap removes what is left",
        }
        return {name: means[name] for name in LIMITS}

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> ChannelBox:
        check_name(name)
        image = self._chosen_image(spec)
        findings = self._proven(image, gpus=spec.gpus)
        started = time.monotonic() + self._place.start_timeout_s
        expires = time.time() + spec.lifetime_s + self._place.start_timeout_s
        identity = Identity(name, self._owner, secrets.token_bytes(32), secrets.choice(UIDS), expires, labels)
        try:
            pods, runner = self._pods(), self._runner()
            manifest = make_pod(
                spec,
                self._place,
                identity,
                image=image,
                python=_PYTHON,
                command=["-c", BOOTSTRAP_DOOR, _ZIP, _digest(identity.token), str(spec.lifetime_s)],
                runner=runner,
                watched=findings.memory_group is not None,
            )
            with ExitStack() as undo:
                pod = pods.make(manifest, started)
                undo.callback(_removed, pods, pod)
                pod = pods.await_ready(pod, started)
                box = self._entered(pod, spec, name, spec.lifetime_s)
                undo.pop_all()
        except (Refused, Troubled) as error:
            raise error.fate.unavailable(name) from None
        return box

    def attach(self, name: str) -> ChannelBox | None:
        check_name(name)
        try:
            pod = self._pods().get(pod_name(self._owner, name))
            if pod is None or not self._pods().is_mine(pod) or fate_of(pod):
                return None
            facts = pod["metadata"].get("annotations") or {}
            if facts.get(BOX) != name:
                return None
            spec = read_spec(facts.get(SPEC, ""))
            self._proven(_image_of(pod), gpus=spec.gpus)
            pod = self._pods().await_ready(pod, time.monotonic() + self._place.start_timeout_s)
            return self._entered(pod, spec, name, float(facts[DEADLINE]) - time.time())
        except Troubled:
            return None
        except Refused as refused:
            if refused.fate.trouble is Trouble.DELETED:
                return None
            raise refused.fate.unavailable(name) from None
        except (ValueError, KeyError) as error:
            raise SandboxError(
                f"the box {name} cannot be entered", f"its pod was changed: {error}", "Remove it"
            ) from None

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        try:
            pods = self._pods()
            found = pods.mine()
            kept = keep()
            removed = [pod for pod in found if doomed(pod, kept, time.time())]
            for pod in removed:
                pods.delete(pod)
            pods.await_absence(removed, time.monotonic() + _GONE_S)
        except Refused as refused:
            raise SandboxUnavailable("boxes cannot be removed", refused.fate.why, refused.fate.todo) from None
        return sorted(str(pod["metadata"]["annotations"][BOX]) for pod in removed)

    def _chosen_image(self, spec: SandboxSpec) -> str:
        image = spec.image or self._image
        if image is None:
            raise SandboxUnavailable(
                "no box can be made", "no image is named", "Name one in .forgehand.yml or in the settings"
            )
        return image

    def _pods(self) -> Pods:
        with self._lock:
            if self._reached is None:
                self._cluster = Cluster(self._place)
                self._reached = Pods(self._cluster, self._place, self._owner)
            return self._reached

    def _runner(self) -> str:
        self._pods()
        assert self._cluster is not None  # noqa: S101 - made with the pods
        return runner_map.ensure(self._cluster, self._place.namespace, runner_zip())

    def _proven(self, image: str, gpus: int) -> Findings:
        """What the cluster imposes, tried once for each kind of node. LimitUnenforceable, SandboxUnavailable."""
        pods = self._pods()
        try:
            runner = self._runner()
        except Refused as refused:
            raise SandboxUnavailable("no box can be made", refused.fate.why, refused.fate.todo) from None
        with self._lock:
            if (found := self._findings.get(gpus > 0)) is None:
                assert self._cluster is not None  # noqa: S101 - made with the pods
                place = self._place.of_gpus() if gpus else self._place
                found = prove(
                    pods,
                    place,
                    image=image,
                    python=_PYTHON,
                    runner=runner,
                    server=self._cluster.server,
                    owner=self._owner,
                )
                self._findings[gpus > 0] = found
            return found

    def _entered(self, pod: Pod, spec: SandboxSpec, name: str, lifetime_s: float) -> ChannelBox:
        """A box whose process 1 runs, served to us alone from now on. Refused, Troubled, SandboxError."""
        pods = self._pods()
        settings = self._settings(spec, self._nature(pod), lifetime_s)
        uid = pod["spec"]["containers"][0]["securityContext"]["runAsUser"]

        def explain(said: str) -> str:
            fate = pods.end_of(pod)
            return fate.why if fate else said

        stream = pods.execute(pod, PORCH_CONTAINER, [*_PYTHON, "-c", BOOTSTRAP_BRIDGE, _ZIP], explain)
        with ExitStack() as undo:
            undo.callback(stream.dispose)
            try:
                stream.write(bytes.fromhex(token_of(pod) or ""))
            except OSError as error:
                raise Troubled(pods.end_of(pod) or Fate(Trouble.START, str(error))) from None
            channel = Channel(stream, name)
            undo.callback(channel.join)
            undo.callback(channel.lose, "it was closed")
            try:
                answer = channel.hello(settings, patience=_GREETING_S)
            except (BoxLost, Failure) as error:
                raise Troubled(pods.end_of(pod) or Fate(Trouble.START, str(error))) from None
            _check_answer(answer, spec, uid)
            if spec.network:
                Tunnel(channel, Policy(spec.network, self._private), name).start()
            undo.pop_all()

        def end() -> None:
            if not channel.taken:  # else the box is another host's
                _removed(pods, pod)
            channel.join()
            stream.dispose()

        return ChannelBox(name, self._isolation(spec), channel, end)

    def _isolation(self, spec: SandboxSpec) -> str:
        return f"kubernetes ({self._place.runtime_for(spec.gpus) or 'node default'})"

    def _nature(self, pod: Pod) -> Nature:
        """What the image sets and the node is; asked once of each image on each node."""
        status = pod["status"]["containerStatuses"][0]
        key = str(status.get("imageID") or status.get("image")), str(pod["spec"].get("nodeName"))
        if key not in self._natures:
            self._natures[key] = nature_of(self._pods(), pod, _PYTHON)
        return self._natures[key]

    def _settings(self, spec: SandboxSpec, nature: Nature, lifetime_s: float) -> dict[str, Any]:
        group = self._findings[spec.gpus > 0].memory_group
        seen = {"cgroup": group} if group else {"meminfo": "/proc/meminfo"}
        return {
            "workspace": "/work",
            "reach": "box",
            "env": commands_environment(nature.environment) | (proxy.environment(PORT) if spec.network else {}),
            "rlimits": {"core": 0, "nproc": spec.processes + _SPARE_PROCESSES},
            "memory": {**seen, "limit": spec.memory_bytes, "filesystems": list(WRITABLE.values())},
            "filter": seccomp.program(nature.machine).hex(),
            "lifetime_s": max(0.1, lifetime_s),
        }


def doomed(pod: Pod, kept: Container[str], now: float) -> bool:
    """Whether a sweep removes this pod: nobody keeps it or its time is over, and it is not being removed already."""
    facts = pod["metadata"].get("annotations") or {}
    if pod["metadata"].get("deletionTimestamp") or BOX not in facts:
        return False
    try:
        late = now > float(facts.get(DEADLINE, ""))
    except ValueError:
        late = False
    return late or facts[BOX] not in kept


def read_spec(text: str) -> SandboxSpec:
    """The spec a pod was made from, out of its annotation. ValueError."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its spec is no object")
    try:
        return SandboxSpec(**{**found, "network": tuple(found.get("network", ()))})
    except TypeError as error:
        raise ValueError(str(error)) from None


def _check_answer(answer: Mapping[str, Any], spec: SandboxSpec, uid: int) -> None:
    """Whether what answers is what was started, with the limits it was started with: nodes may differ."""
    if answer.get("uid") != uid or answer.get("pid") != 1:
        raise Troubled(
            Fate(
                Trouble.START,
                f"its runner is process {answer.get('pid')!r} of user {answer.get('uid')!r}, not 1 of {uid}",
            )
        )
    sizes = answer.get("filesystems")
    if not isinstance(sizes, dict) or set(sizes) != set(WRITABLE.values()):
        raise Troubled(Fate(Trouble.START, "its runner does not say what its filesystems are"))
    check_disk(sizes, spec.disk_bytes)


def _digest(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()


def _image_of(pod: Pod) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _removed(pods: Pods, pod: Pod) -> None:
    with suppress(Refused):  # a sweep removes it when the API server answers again
        pods.delete(pod)
