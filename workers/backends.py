"""The sandbox backend the settings name, and the warm boxes in front of it."""

import hashlib

from sandboxes import Backend, BubblewrapBackend, LimitUnenforceable, PlainBackend, SandboxUnavailable
from sandboxes.pool import WarmPool
from settings import Settings
from settings.machines import SandboxKind

# A local box is made in milliseconds; a container or a pod takes long enough for people to wait.
_WARM_BY_DEFAULT = {"local": 0, "docker": 2, "kubernetes": 2}


def make_pool(settings: Settings, kind: SandboxKind, backend: Backend, owner: str) -> WarmPool:
    """The warm boxes of one worker, `owner`, on one backend."""
    size = _WARM_BY_DEFAULT[kind] if settings.warm_boxes is None else settings.warm_boxes
    mark = hashlib.sha256(owner.encode()).hexdigest()[:10]
    return WarmPool(backend, size, f"warm-{kind}-{mark}-")


def make_backend(settings: Settings, kind: SandboxKind | None = None) -> Backend:
    """The backend of this kind, by default the settings' own.

    Raises SandboxUnavailable or LimitUnenforceable when no box of that kind can be made here.

    Without bubblewrap, plain processes are used only where the settings allow that in so many words; every box, proof
    and comment made with them says so.
    """
    kind = kind or settings.sandbox
    if kind != "local":
        raise SandboxUnavailable(
            f"the {kind} sandbox cannot be used",
            "this release has the local backend only",
            "Set FORGEHAND_SANDBOX=local",
        )
    isolated = BubblewrapBackend(
        settings.state_dir, read_only=settings.sandbox_readonly_paths, private=settings.sandbox_private_networks
    )
    try:
        isolated.probe()
    except (SandboxUnavailable, LimitUnenforceable):
        if not settings.sandbox_allow_unisolated:
            raise
        return PlainBackend(settings.state_dir, allow_unisolated=True)
    return isolated
