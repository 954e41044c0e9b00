"""Where on a cluster boxes go and as what: everything an operator chooses. Plain values, checked when made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

PullPolicy = Literal["IfNotPresent", "Always", "Never"]
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that boxes put up with; without `value`, of any value; without `effect`, of every effect."""

    key: str
    value: str | None = None
    effect: Effect | None = "NoSchedule"

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = {"key": self.key, "operator": "Exists" if self.value is None else "Equal"}
        if self.value is not None:
            found["value"] = self.value
        if self.effect is not None:
            found["effect"] = self.effect
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """An installation's part of a cluster.

    `namespace` must hold what k8s/sandbox/ describes. `runtime_class`: a RuntimeClass such as `gvisor` or `kata`; None
    is the node's default.
    `node_selector` and `tolerations` are for every box, the `gpu_` ones are added for boxes with a GPU.
    `request_share`: the part of a box's memory and CPU limit that is reserved for it on its node, up to 1; below 1,
    nodes are overcommitted. `start_timeout_s`: how long a box may wait for a node, its image and its start.
    `kubeconfig`: a file; None means the worker's own service account, or else the usual places. `context` in it.
    """

    namespace: str = "forgehand-sandboxes"
    runtime_class: str | None = None
    gpu_runtime_class: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = (Toleration("forgehand.dev/sandbox"),)
    gpu_resource: str = "nvidia.com/gpu"
    gpu_node_selector: Mapping[str, str] = field(default_factory=dict)
    gpu_tolerations: tuple[Toleration, ...] = (Toleration("nvidia.com/gpu"),)
    priority_class: str | None = "forgehand-sandbox"
    service_account: str = "forgehand-sandbox"
    pull_policy: PullPolicy = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    request_share: float = 1.0
    start_timeout_s: float = 180.0
    kubeconfig: Path | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.namespace):
            raise ValueError(f"namespace must be a DNS label, not {self.namespace!r}")
        if not 0 < self.request_share <= 1:
            raise ValueError(f"request_share must be above 0 and at most 1, not {self.request_share!r}")
        if not 0 < self.start_timeout_s < float("inf"):
            raise ValueError(f"start_timeout_s must be a positive number of seconds, not {self.start_timeout_s!r}")

    def runtime_for(self, gpus: int) -> str | None:
        """The RuntimeClass of a box; sandboxed kernels mostly cannot drive a GPU, so those may have another."""
        return self.gpu_runtime_class if gpus else self.runtime_class

    def of_gpus(self) -> Self:
        """The same for pods that go where boxes with a GPU go and take none themselves."""
        return replace(
            self,
            runtime_class=self.gpu_runtime_class,
            node_selector={**self.node_selector, **self.gpu_node_selector},
            tolerations=(*self.tolerations, *self.gpu_tolerations),
        )
