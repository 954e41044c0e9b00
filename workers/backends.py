"""The sandbox backend the settings name, and the warm boxes in front of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sandboxes import Backend, Bind, BubblewrapBackend, LimitUnenforceable, PlainBackend, SandboxUnavailable
from sandboxes.on_docker import DockerBackend
from sandboxes.on_kubernetes.backend import KubernetesBackend
from sandboxes.on_kubernetes.place import Place, Toleration
from sandboxes.pool import WarmPool
from settings import Settings
from settings.machines import KubernetesMachine, SandboxKind

# A local box is made in milliseconds; a container or a pod takes long enough for people to wait.
_WARM_BY_DEFAULT = {"local": 0, "docker": 2, "kubernetes": 2}


def make_pool(settings: Settings, kind: SandboxKind, backend: Backend, owner: str) -> WarmPool:
    """The warm boxes of one worker, `owner`, on one backend."""
    size = _WARM_BY_DEFAULT[kind] if settings.warm_boxes is None else settings.warm_boxes
    mark = hashlib.sha256(owner.encode()).hexdigest()[:10]
    return WarmPool(backend, size, f"warm-{kind}-{mark}-")


def make_backend(
    settings: Settings,
    kind: SandboxKind | None = None,
    *,
    image: str | None = None,
    owner: str | None = None,
    read_only: Sequence[Path | Bind] | None = None,
) -> Backend:
    """The backend of this kind, by default the settings' own. `image` and `owner` of containers and what a local box is
    shown (`read_only`) stand above the settings'.

    Raises SandboxUnavailable or LimitUnenforceable when no box of that kind can be made here.
    """
    kind = kind or settings.sandbox
    if kind == "local":
        return _local(settings, settings.sandbox_readonly_paths if read_only is None else read_only)
    backend = containers(settings, kind, image or _image(settings, kind), owner or settings.effective_owner)
    backend.probe()
    return backend


def containers(
    settings: Settings, kind: Literal["docker", "kubernetes"], image: str, owner: str
) -> DockerBackend | KubernetesBackend:
    """Boxes that carry this owner; engine or cluster are asked nothing before the first call. SandboxUnavailable."""
    if kind == "kubernetes":
        return _kubernetes(settings, image, owner)
    return DockerBackend(
        runtime=settings.docker_runtime,
        owner=owner,
        image=image,
        private=settings.sandbox_private_networks,
        gpus=settings.docker_gpus,
        base_url=settings.docker_url or None,
    )


def _kubernetes(settings: Settings, image: str, owner: str) -> KubernetesBackend:
    given = settings.kubernetes
    values = {name: getattr(given, name) for name in KubernetesMachine.model_fields}
    for name in ("tolerations", "gpu_tolerations"):
        values[name] = tuple(Toleration(one.key, one.value, one.effect) for one in values[name])
    try:
        place = Place(**values)
    except ValueError as error:
        raise SandboxUnavailable(
            "the kubernetes sandbox cannot be used", str(error), "Set it right in FORGEHAND_KUBERNETES"
        ) from None
    return KubernetesBackend(place, owner=owner, image=image, private=settings.sandbox_private_networks)


def _image(settings: Settings, kind: str) -> str:
    if not settings.sandbox_image:
        raise SandboxUnavailable(
            f"the {kind} sandbox cannot be used",
            "FORGEHAND_SANDBOX_IMAGE is not set",
            "Name the image of boxes whose repository names none",
        )
    return settings.sandbox_image


def _local(settings: Settings, read_only: Sequence[Path | Bind]) -> Backend:
    """Without bubblewrap, plain processes are used only where the settings allow that in so many words; every box,
    proof and comment made with them says so."""
    isolated = BubblewrapBackend(settings.state_dir, read_only=read_only, private=settings.sandbox_private_networks)
    try:
        isolated.probe()
    except (SandboxUnavailable, LimitUnenforceable):
        if not settings.sandbox_allow_unisolated:
            raise
        return PlainBackend(settings.state_dir, allow_unisolated=True)
    return isolated
