"""Boxes as containers of a Docker engine, with its own runtime or with gVisor's."""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from ..box import ChannelBox
from ..channel import Channel, Failure
from ..contract import (
    NO_NAMES,
    WORKSPACE,
    BoxLost,
    LimitUnenforceable,
    SandboxError,
    SandboxSpec,
    SandboxUnavailable,
)
from ..egress import PORT, Policy, Tunnel
from ..egress.policy import Network
from ..inside import proxy
from ..layout import WRITABLE
from ..package import BOOTSTRAP_BRIDGE, BOOTSTRAP_DOOR, TOO_OLD
from ..records import check_name
from .container import (
    BOX,
    DEADLINE,
    GID,
    GPUS,
    OWNER,
    PYTHON,
    SPEC,
    TOKEN,
    UIDS,
    USER,
    Identity,
    Python,
    Runtime,
    check_owner,
    container_name,
    described,
    make_container,
    rlimits,
)
from .engine import Engine
from .faults import Refused, Trouble, cannot_make, ending, start_trouble
from .gpus import Borrower, borrow, check_means
from .prepared import Image, NoPython, Prepared
from .runner_volume import FILLS, remove_old
from .stream import EngineStream

log = logging.getLogger(__name__)
_START_PATIENCE_S = 120.0
_NO_PYTHON = (TOO_OLD, 126, 127)
"""Exit statuses of a process 1 that is too old for the runner, or that the image cannot execute after all."""


class DockerBackend:
    """Boxes of one engine and one of its runtimes: no network, no root, nothing of the engine's machine.

    `runtime` as the engine knows it (`runc`, `runsc`). `owner` names the installation: only what carries it is reaped.
    `image`: of boxes whose spec names none; the engine must have it. `private`: networks that are not public and may
    be reached all the same, when a destination's name stands for them. `gpus`: devices of the engine's machine that may
    be lent, each to one box or to boxes that are together, as NVIDIA's toolkit names them (`GPU-...` or `0`); all that
    share an engine name the same way. `base_url`: the engine, as in DOCKER_HOST; None means what the environment says,
    or else the local socket.
    """

    def __init__(
        self,
        *,
        runtime: str = "runc",
        owner: str,
        image: str,
        private: Sequence[Network] = (),
        gpus: Sequence[str] = (),
        base_url: str | None = None,
    ) -> None:
        self.name = "docker" if runtime == "runc" else f"docker-{runtime}"
        self._runtime = Runtime.named(runtime)
        self._owner = check_owner(owner)
        self._image = image
        self._private = private
        self._gpus = tuple(gpus)
        self._base_url = base_url
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def probe(self) -> None:
        """Finds out, once, whether a box can be made here, and GPUs lent if any are named. SandboxUnavailable,
        LimitUnenforceable."""
        if self._gpus:
            check_means(self._prepare().info, self._gpus)
        with self.create(SandboxSpec(), name=f"probe-{secrets.token_hex(6)}"):
            pass

    def enforcement(self) -> Mapping[str, str]:
        version = self._prepare().cgroups
        memory = (
            "the runner ends the largest command within 50 ms of the programs' memory passing it; "
            f"the container's cgroup v{version}, without swap, holds programs and files together to memory_bytes + "
            "disk_bytes"
        )
        processes = f"the container's cgroup v{version} pids limit, and RLIMIT_NPROC of a user id of its own"
        if self._runtime.own_kernel:
            processes = "RLIMIT_NPROC, kept by gVisor's kernel"
        return {
            "memory_bytes": memory,
            "processes": processes,
            "cpus": f"the container's cgroup v{version} CPU quota",
            "disk_bytes": "tmpfs size, for each of " + ", ".join(WRITABLE),
            "network": "an empty network namespace; destinations through the proxy on its loopback alone",
            "lifetime_s": "the runner, process 1 of the container, exits; reap removes what is left",
        }

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> ChannelBox:
        check_name(name)
        prepared = self._prepare()
        if spec.gpus:
            check_means(prepared.info, self._gpus)
        name_of_image = spec.image or self._image
        try:
            image = prepared.image(name_of_image)
            if image.python is Python.UNKNOWN:
                with suppress(NoPython):
                    return self._create(prepared, spec, image.having(Python.OWN), name, labels)
                image = image.having(Python.BROUGHT)
            return self._create(prepared, spec, image, name, labels)
        except Refused as refused:
            raise cannot_make(refused, name_of_image) from None
        except NoPython:
            raise SandboxUnavailable(
                f"no box of the image {name_of_image}", "no Python starts in it, not even one that is brought along"
            ) from None

    def _create(
        self, prepared: Prepared, spec: SandboxSpec, image: Image, name: str, labels: Mapping[str, str]
    ) -> ChannelBox:
        """NoPython, Refused. Tries once more where the engine's owner has removed the runner's volume meanwhile."""
        try:
            return self._create_once(prepared, spec, image, name, labels)
        except (SandboxUnavailable, NoPython):
            if not prepared.mend(image):
                raise
        return self._create_once(prepared, spec, image, name, labels)

    def _create_once(
        self, prepared: Prepared, spec: SandboxSpec, image: Image, name: str, labels: Mapping[str, str]
    ) -> ChannelBox:
        token = secrets.token_bytes(32)
        deadline = math.ceil(time.time() + spec.lifetime_s)
        command = image.python.command(BOOTSTRAP_DOOR, hashlib.sha256(token).hexdigest(), str(spec.lifetime_s), "first")
        volume = prepared.volume(image)
        identity = Identity(name, self._owner, token, secrets.choice(UIDS), deadline, image.python, labels)

        def make(gpus: Sequence[str]) -> str:
            mine = replace(identity, gpus=gpus)
            body = make_container(spec, mine, self._runtime, image=image.id, command=command, volume=volume)
            return self._make(prepared.engine, body, name)

        channel: Channel | None = None
        with ExitStack() as undo:
            if spec.gpus:
                borrower = Borrower(self._owner, name, spec.together or "")
                container, gpus = borrow(prepared.engine, self._gpus, spec.gpus, borrower, make)
            else:
                container, gpus = make(()), ()
            undo.callback(_remove_ours, prepared.engine, container, lambda: channel)
            sock, early = prepared.engine.attach(container)
            stream = EngineStream(sock, _explainer(prepared.engine, container, self._runtime), early=early)
            undo.callback(stream.dispose)
            _start(prepared.engine, container, command[0])
            channel = Channel(stream, name)
            undo.callback(channel.join)
            undo.callback(channel.lose, "it was closed")
            try:
                self._greet(channel, name, prepared, spec, image.environment, spec.lifetime_s, identity.uid)
            except SandboxUnavailable as error:
                found = prepared.engine.container(container)
                if image.python is Python.OWN and found and found["State"].get("ExitCode") in _NO_PYTHON:
                    raise NoPython from error
                raise
            prepared.remember(image)
            end = undo.pop_all()
        return ChannelBox(name, self._isolation(), channel, end.close, machine=prepared.machine, gpus=gpus)

    def attach(self, name: str) -> ChannelBox | None:
        check_name(name)
        prepared = self._prepare()
        channel: Channel | None = None
        try:
            found = prepared.engine.container(container_name(self._owner, name))
            if found is None or not found["State"]["Running"]:
                return None
            labels = found["Config"]["Labels"]
            spec = described(labels[SPEC])
            gpus = tuple(filter(None, labels.get(GPUS, "").split(",")))
            uid, left = int(labels[USER]), float(labels[DEADLINE]) - time.time()
            token = bytes.fromhex(labels[TOKEN])
            if left <= 0:
                return None
            image = prepared.image(found["Image"]).having(Python(labels[PYTHON]))
            with ExitStack() as undo:
                undo.callback(_remove_ours, prepared.engine, found["Id"], lambda: channel)
                # As another user: no command of the box can end the bridge or read the token it brings.
                command = image.python.command(BOOTSTRAP_BRIDGE)
                sock, early = prepared.engine.execute(found["Id"], command, f"{uid + 1}:{GID}")
                stream = EngineStream(sock, _explainer(prepared.engine, found["Id"], self._runtime), early=early)
                undo.callback(stream.dispose)
                stream.write(token)
                channel = Channel(stream, name)
                undo.callback(channel.join)
                undo.callback(channel.lose, "it was closed")
                self._greet(channel, name, prepared, spec, image.environment, left, uid)
                end = undo.pop_all()
        except Refused as refused:
            if refused.trouble is Trouble.GONE:
                return None
            raise cannot_make(refused, "") from None
        except OSError as error:
            raise BoxLost(f"the box {name} is lost", str(error)) from None
        return ChannelBox(name, self._isolation(), channel, end.close, machine=prepared.machine, gpus=gpus)

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        engine = self._prepare().engine
        try:
            found = engine.containers([f"{OWNER}={self._owner}"])
            kept, removed = keep(), []
            for container in found:
                labels = container["Labels"]
                name = labels.get(BOX)
                if FILLS in labels:
                    engine.remove(container["Id"])  # who is at work with it makes another
                elif name is not None and (name not in kept or float(labels.get(DEADLINE) or 0) < time.time()):
                    engine.remove(container["Id"])
                    removed.append(name)
            remove_old(engine, time.time())
        except Refused as refused:
            raise cannot_make(refused, "") from None
        return removed

    def _isolation(self) -> str:
        return f"docker ({self._runtime.name})"

    def _prepare(self) -> Prepared:
        with self._lock:
            if self._prepared is None:
                self._prepared = Prepared(Engine(self._base_url), self._runtime, self._owner)
            return self._prepared

    def _make(self, engine: Engine, body: Mapping[str, Any], name: str) -> str:
        """The container's id. One of that name that never ran or has ended makes room; SandboxError when it lives."""
        full = container_name(self._owner, name)
        for _ in range(3):
            try:
                return engine.make(body, full)
            except Refused as refused:
                if refused.trouble is not Trouble.NAME_TAKEN:
                    raise
            there = engine.container(full)
            if there is None:
                continue
            if there["State"]["Running"]:
                raise SandboxError(
                    f"the box {name} cannot be made", "there is one of that name", "Close it, or call reap first"
                )
            engine.remove(there["Id"])
        raise SandboxError(f"the box {name} cannot be made", "boxes of that name come and go")

    def _greet(
        self,
        channel: Channel,
        name: str,
        prepared: Prepared,
        spec: SandboxSpec,
        env: Mapping[str, str],
        left: float,
        uid: int,
    ) -> None:
        settings = {
            "workspace": WORKSPACE,
            "reach": "box",
            "env": {**env, **(proxy.environment(PORT) if spec.network else {})},
            "rlimits": rlimits(spec),
            "memory": {**prepared.memory, "limit": spec.memory_bytes, "filesystems": list(WRITABLE)},
            "filter": prepared.filter.hex(),
            "user": {"uid": uid, "gid": GID},
            "lifetime_s": left,
        }
        try:
            answer = channel.hello(settings, patience=_START_PATIENCE_S)
        except (BoxLost, Failure) as error:
            raise SandboxUnavailable("the box does not start", str(error)) from None
        if answer.get("uid") != uid or answer.get("pid") != 1:
            said = f"uid {answer.get('uid')!r}, pid {answer.get('pid')!r}"
            raise SandboxUnavailable("the box does not start", f"its runner is not what was started: {said}")
        sizes = answer.get("filesystems")
        if not isinstance(sizes, dict) or any(not 0 < sizes.get(path, 0) <= spec.disk_bytes for path in WRITABLE):
            raise LimitUnenforceable("disk_bytes", f"its filesystems have the sizes {sizes!r}")
        if spec.network:
            Tunnel(channel, Policy(spec.network, self._private), name).start()


def _explainer(engine: Engine, container: str, runtime: Runtime) -> Callable[[str], str]:
    def explain(said: str) -> str:
        try:
            found = engine.container(container)
        except Refused as refused:
            return f"the engine does not answer: {refused.words}"
        return ending(found["State"] if found else None, said, own_kernel=runtime.own_kernel)

    return explain


def _start(engine: Engine, container: str, program: str) -> None:
    try:
        engine.start(container)
    except Refused as refused:
        if start_trouble(refused.words, program) is Trouble.NO_PROGRAM:
            raise NoPython from None
        raise


def _remove_ours(engine: Engine, container: str, channel: Callable[[], Channel | None]) -> None:
    """Removes a box's container, unless another host has taken the box over."""
    served = channel()
    if served is None or not served.taken:
        _remove(engine, container)


def _remove(engine: Engine, container: str) -> None:
    try:
        engine.remove(container)
    except Refused as refused:
        # Who ends a box is done with it either way; a sweep removes it when the engine does its work again.
        log.warning("the container %s is not removed: %s", container[:12], refused.words)
