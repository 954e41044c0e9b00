"""Boxes as pods: made, entered through the porch, taken over by name, and swept away."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TypeVar

from ..box import ChannelBox
from ..channel import Channel
from ..contract import LIMITS, NO_NAMES, SandboxError, SandboxSpec, SandboxUnavailable
from ..egress.policy import Network
from ..layout import WRITABLE
from ..package import BOOTSTRAP_DOOR
from ..records import check_name
from .bringing import Python
from .cluster import Cluster, Refused
from .entering import Entrance
from .exec_stream import ExecStream
from .fates import Trouble, fate_of
from .place import Place
from .pod import (
    BOX,
    DEADLINE,
    RUNNER_ZIP,
    SPEC,
    UIDS,
    Identity,
    Runner,
    check_owner,
    make_pod,
    pod_name,
)
from .pods import Pod, Pods, Troubled
from .proof import Findings
from .proving import prove
from .runner_maps import RunnerMaps

_GONE_S = 15.0
T = TypeVar("T")


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
        self._reached: _Reached | None = None

    def probe(self) -> None:
        """Finds out, once, whether boxes can be made here and their limits hold. SandboxUnavailable,
        LimitUnenforceable."""
        self._proven(SandboxSpec())

    def enforcement(self) -> Mapping[str, str]:
        found = self._proven(SandboxSpec())
        means = {
            "cpus": "CPU quota of the container",
            "memory_bytes": "the runner ends the largest command within 50 ms of the programs' memory passing it; the "
            f"memory limit of the container holds {'programs and files' if found.memory_group else 'both'} together",
            "disk_bytes": "tmpfs size (sized emptyDir in memory), for each of " + ", ".join(WRITABLE),
            "processes": "RLIMIT_NPROC of a user id of the box's own",
            "network": "default-deny NetworkPolicies, tried; destinations through the proxy on its loopback alone",
            "lifetime_s": "the runner, process 1 of the box, exits; activeDeadlineSeconds; reap removes what is left",
        }
        return {name: means[name] for name in LIMITS}

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> ChannelBox:
        check_name(name)
        image = self._chosen_image(spec)
        reached = self._reach()
        findings = self._proven(spec)

        def made(runner: Runner) -> ChannelBox:
            return self._create(spec, name, labels, image, runner, findings)

        try:
            return reached.with_runner(image, made)
        except (Refused, Troubled) as error:
            raise error.fate.unavailable(name) from None

    def _create(
        self,
        spec: SandboxSpec,
        name: str,
        labels: Mapping[str, str],
        image: str,
        runner: Runner,
        findings: Findings,
    ) -> ChannelBox:
        """Refused, Troubled, SandboxError."""
        reached = self._reach()
        until = time.monotonic() + self._place.start_timeout_s
        expires = time.time() + spec.lifetime_s + self._place.start_timeout_s
        identity = Identity(name, self._owner, secrets.token_bytes(32), secrets.choice(UIDS), expires, labels)
        digest = hashlib.sha256(identity.token).hexdigest()
        manifest = make_pod(
            spec,
            self._place,
            identity,
            image=image,
            command=["-c", BOOTSTRAP_DOOR, RUNNER_ZIP, digest, str(spec.lifetime_s)],
            runner=runner,
            watched=findings.memory_group is not None,
        )
        with ExitStack() as undo:
            pod = reached.pods.make(manifest, until)
            undo.callback(_remove, reached.pods, pod)
            pod = reached.pods.await_ready(pod, until)
            channel, stream = reached.entrance.enter(pod, spec, findings, name, spec.lifetime_s)
            undo.pop_all()
        return self._box(reached.pods, pod, spec, name, channel, stream)

    def attach(self, name: str) -> ChannelBox | None:
        check_name(name)
        reached = self._reach()
        try:
            pod = reached.pods.get(pod_name(self._owner, name))
            if pod is None or not reached.pods.is_mine(pod) or fate_of(pod):
                return None
            facts = pod["metadata"].get("annotations") or {}
            if facts.get(BOX) != name:
                return None
            spec = read_spec(facts.get(SPEC, ""))
            left = float(facts[DEADLINE]) - time.time()
            findings = self._proven(replace(spec, image=str(pod["spec"]["containers"][0]["image"])))
            pod = reached.pods.await_ready(pod, time.monotonic() + self._place.start_timeout_s)
            channel, stream = reached.entrance.enter(pod, spec, findings, name, left)
        except Troubled:
            return None
        except Refused as refused:
            if refused.fate.trouble is Trouble.DELETED:
                return None
            raise refused.fate.unavailable(name) from None
        except (ValueError, KeyError) as error:
            why = f"its pod was changed: {error}"
            raise SandboxError(f"the box {name} cannot be entered", why, "Remove it") from None
        return self._box(reached.pods, pod, spec, name, channel, stream)

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        reached = self._reach()
        pods = reached.pods
        try:
            found = pods.mine()
            kept = keep()
            removed = [pod for pod in found if doomed(pod, kept, time.time())]
            for pod in removed:
                pods.delete(pod)
            pods.await_absence(removed, time.monotonic() + _GONE_S)
            reached.maps.sweep(time.time())
        except Refused as refused:
            raise SandboxUnavailable("boxes cannot be removed", refused.fate.why, refused.fate.todo) from None
        return sorted(str(pod["metadata"]["annotations"][BOX]) for pod in removed)

    def _box(
        self, pods: Pods, pod: Pod, spec: SandboxSpec, name: str, channel: Channel, stream: ExecStream
    ) -> ChannelBox:
        def end() -> None:
            if not channel.taken:  # else the box is another host's
                _remove(pods, pod)
            channel.join()
            stream.dispose()

        isolation = f"kubernetes ({self._place.runtime_for(spec.gpus) or 'node default'})"
        return ChannelBox(name, isolation, channel, end, machine=str(pod["spec"]["nodeName"]))

    def _chosen_image(self, spec: SandboxSpec) -> str:
        image = spec.image or self._image
        if image is None:
            raise SandboxUnavailable(
                "no box can be made", "no image is named", "Name one in .forgehand.yml or in the settings"
            )
        return image

    def _proven(self, spec: SandboxSpec) -> Findings:
        """What the cluster imposes. It is asked with the operator's own image, where there is one: that of a spec is
        somebody's who might want it to say something else."""
        return self._reach().proven(self._image or self._chosen_image(spec), spec.gpus)

    def _reach(self) -> _Reached:
        with self._lock:
            if self._reached is None:
                self._reached = _Reached(self._place, self._owner, self._private)
            return self._reached


class _Reached:
    """The cluster, and what has been found out about it. Thread-safe."""

    def __init__(self, place: Place, owner: str, private: Sequence[Network]) -> None:
        self._place = place
        self._owner = owner
        self._cluster = Cluster(place)
        self.pods = Pods(self._cluster, place, owner)
        self.entrance = Entrance(self.pods, private)
        self.maps = RunnerMaps(self._cluster, place.namespace)
        self._bare: set[str] = set()
        self._proving = threading.Lock()
        self._findings: dict[bool, Findings] = {}

    def with_runner(self, image: str, start: Callable[[Runner], T]) -> T:
        """What `start` makes of the runner, which is on the cluster; called once more, with a Python that is brought
        along, where the image turns out to have none. Refused, Troubled, SandboxUnavailable, and what `start` raises.

        Only a start tells what an image has: a registry may not be asked, and a node's images cannot be. It is
        remembered by the image's name, which may mean another one tomorrow: what is brought runs in that one too.
        """
        if image not in self._bare:
            try:
                return start(self.maps.runner(Python.OWN))
            except Troubled as troubled:
                if troubled.fate.trouble is not Trouble.NO_PYTHON:
                    raise
            self._bare.add(image)
        return start(self.maps.runner(Python.BROUGHT))

    def proven(self, image: str, gpus: int) -> Findings:
        """What the cluster imposes, tried once for each kind of node. LimitUnenforceable, SandboxUnavailable."""
        with self._proving:
            if (found := self._findings.get(gpus > 0)) is None:
                place = self._place.of_gpus() if gpus else self._place
                server, owner = self._cluster.server, self._owner

                def prove_with(runner: Runner) -> Findings:
                    return prove(self.pods, place, image=image, runner=runner, server=server, owner=owner)

                try:
                    found = self.with_runner(image, prove_with)
                except (Refused, Troubled) as error:
                    raise error.fate.unavailable("with which the cluster is tried") from None
                self._findings[gpus > 0] = found
            return found


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


def _remove(pods: Pods, pod: Pod) -> None:
    with suppress(Refused):  # a sweep removes it when the API server answers again
        pods.delete(pod)
