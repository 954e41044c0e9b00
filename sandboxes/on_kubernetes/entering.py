"""How a host gets to the runner of a box: the bridge executed in the porch, the token, what is agreed at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from .. import seccomp
from ..channel import Channel, Failure
from ..contract import WORKSPACE, BoxLost, SandboxSpec, SandboxUnavailable
from ..egress import PORT, Policy, Tunnel
from ..egress.policy import Network
from ..inside import proxy
from ..layout import WRITABLE
from ..package import BOOTSTRAP_BRIDGE
from .bringing import python_of
from .cluster import Refused
from .exec_stream import ExecStream
from .fates import Fate, Trouble
from .nature import Nature, commands_environment, nature_of
from .pod import BOX_CONTAINER, PORCH_CONTAINER, RUNNER_ZIP, container_of
from .pods import Pod, Pods, Troubled, token_of
from .proof import Findings, check_disk

_GREETING_S = 30.0
_ROUNDING = 1 << 20
"""So that a full filesystem says so itself, and not by a signal."""
_SPARE_PROCESSES = 80
"""Runner and supervisors: one for each of up to 64 commands, and some while they fork."""


class Entrance:
    """Enters the boxes of a place. `private`: networks a destination's name may stand for. Thread-safe."""

    def __init__(self, pods: Pods, private: Sequence[Network]) -> None:
        self._pods = pods
        self._private = private
        self._natures: dict[tuple[str, str], Nature] = {}

    def enter(
        self, pod: Pod, spec: SandboxSpec, findings: Findings, name: str, lifetime_s: float
    ) -> tuple[Channel, ExecStream]:
        """The channel to a box whose process 1 runs, served to us alone from now on, and the stream below it, to be
        disposed of after the channel. `lifetime_s` is what is left of it. Refused, Troubled, SandboxError."""
        pods = self._pods

        def explain(said: str) -> str:
            fate = pods.end_of(pod)
            return fate.why if fate else said

        bridge = python_of(pod).command("-c", BOOTSTRAP_BRIDGE, RUNNER_ZIP)
        try:
            wanted = settings(spec, findings, self._nature(pod), lifetime_s)
            stream = pods.execute(pod, PORCH_CONTAINER, bridge, explain)
        except (Refused, SandboxUnavailable):
            if fate := pods.end_of(pod):  # it had ended, which says more
                raise Troubled(fate) from None
            raise
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
                answer = channel.hello(wanted, patience=_GREETING_S)
            except (BoxLost, Failure) as error:
                raise Troubled(pods.end_of(pod) or Fate(Trouble.START, str(error))) from None
            check_answer(answer, spec, container_of(pod, BOX_CONTAINER)["securityContext"]["runAsUser"])
            if spec.network:
                Tunnel(channel, Policy(spec.network, self._private), name).start()
            undo.pop_all()
        return channel, stream

    def _nature(self, pod: Pod) -> Nature:
        """What the image sets and the node is; asked once of each image on each node."""
        status = pod["status"]["containerStatuses"][0]
        key = str(status.get("imageID") or status.get("image")), str(pod["spec"].get("nodeName"))
        if key not in self._natures:
            self._natures[key] = nature_of(self._pods, pod)
        return self._natures[key]


def settings(spec: SandboxSpec, findings: Findings, nature: Nature, lifetime_s: float) -> dict[str, Any]:
    """What a host says first (docs/sandbox-protocol.md, hello). Pure."""
    seen = {"cgroup": findings.memory_group} if findings.memory_group else {"meminfo": "/proc/meminfo"}
    return {
        "workspace": WORKSPACE,
        "reach": "box",
        "env": commands_environment(nature.environment) | (proxy.environment(PORT) if spec.network else {}),
        "rlimits": {
            "core": 0,
            "nproc": spec.processes + _SPARE_PROCESSES,
            # Such a file is on the node's disk. Elsewhere it would only forbid sparse files larger than any disk here.
            **({"fsize": spec.disk_bytes + _ROUNDING} if nature.leaky else {}),
        },
        "memory": {**seen, "limit": spec.memory_bytes, "filesystems": list(WRITABLE)},
        "filter": seccomp.program(nature.machine, own_kernel=findings.memory_group is None).hex(),
        "lifetime_s": max(0.1, lifetime_s),
    }


def check_answer(answer: Mapping[str, Any], spec: SandboxSpec, uid: int) -> None:
    """Whether what answers is what was started, with the limits it was started with: nodes may differ.

    Troubled, LimitUnenforceable.
    """
    if answer.get("uid") != uid or answer.get("pid") != 1:
        said = f"process {answer.get('pid')!r} of user {answer.get('uid')!r}"
        raise Troubled(Fate(Trouble.START, f"its runner is {said}, not 1 of {uid}"))
    sizes = answer.get("filesystems")
    if not isinstance(sizes, dict) or set(sizes) != set(WRITABLE):
        raise Troubled(Fate(Trouble.START, "its runner does not say what its filesystems are"))
    if not all(type(size) is int for size in sizes.values()):
        raise Troubled(Fate(Trouble.START, f"its filesystems have the sizes {sizes!r}"[:300]))
    check_disk(sizes, spec.disk_bytes)
