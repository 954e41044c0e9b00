"""Where boxes are made, and what one repository's boxes are where that differs from the rest."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SandboxKind = Literal["local", "docker", "kubernetes"]

_DESTINATION = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*:[0-9]{1,5}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _destination(text: str) -> str:
    if not _DESTINATION.fullmatch(text) or not 0 < int(text.rpartition(":")[2]) < 65536:
        raise ValueError(f"{text!r} is not of the form host:port or *.domain:port, such as pypi.org:443")
    return text


Destination = Annotated[str, AfterValidator(_destination)]

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]*")


def _devices(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _DEVICE.fullmatch(name):
            raise ValueError(f"{name!r} is no GPU as `nvidia-smi -L` names them, such as GPU-6ef8ad2b-... or 0")
    if len(set(names)) < len(names):
        raise ValueError("a GPU is named twice, and would be lent twice")
    return names


Devices = Annotated[tuple[str, ...], AfterValidator(_devices)]

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Toleration(BaseModel):
    """A taint that boxes put up with; without `value`, of any value; with `effect` null, of every effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    value: str | None = None
    effect: Effect | None = "NoSchedule"


class KubernetesMachine(BaseModel):
    """Where on which cluster boxes go. docs/sandboxes.md says what each is; the defaults are those of k8s/sandbox/."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str = "forgehand-sandboxes"
    runtime_class: str | None = None
    gpu_runtime_class: str | None = None
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = (Toleration(key="forgehand.dev/sandbox"),)
    gpu_resource: str = "nvidia.com/gpu"
    gpu_node_selector: dict[str, str] = Field(default_factory=dict)
    gpu_tolerations: tuple[Toleration, ...] = (Toleration(key="nvidia.com/gpu"),)
    priority_class: str | None = "forgehand-sandbox"
    service_account: str = "forgehand-sandbox"
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    request_share: float = Field(default=1.0, gt=0, le=1)
    start_timeout_s: float = Field(default=180.0, gt=0)
    kubeconfig: Path | None = None
    context: str | None = None


class RepositoryMachine(BaseModel):
    """What is not given is as it is for every repository. `image` stands above the one in `.forgehand.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sandbox: SandboxKind | None = None
    image: str | None = None
    network: tuple[Destination, ...] | None = None
    setup_network: tuple[Destination, ...] | None = None
