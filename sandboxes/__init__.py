"""Machines of their own, where anything may run, behind one contract (`sandboxes.contract`).

A small runner program starts inside each box and answers framed requests over one byte stream (`sandboxes.inside`,
docs/sandbox-protocol.md); a backend only decides what surrounds it. Here are the local ones: bubblewrap, and a plain
process for those who explicitly accept that it isolates nothing.
"""

from typing import TYPE_CHECKING, Any

from .bubblewrap import Bind
from .contract import (
    Backend,
    Box,
    BoxLost,
    ChangesTooLarge,
    CommandResult,
    FileChange,
    LimitUnenforceable,
    Listing,
    SandboxError,
    SandboxSpec,
    SandboxUnavailable,
    TreeRejected,
)
from .local import BubblewrapBackend
from .on_docker import DockerBackend
from .plain import PlainBackend

if TYPE_CHECKING:
    from .on_kubernetes.backend import KubernetesBackend

__all__ = [
    "Backend",
    "Bind",
    "Box",
    "BoxLost",
    "BubblewrapBackend",
    "ChangesTooLarge",
    "CommandResult",
    "DockerBackend",
    "FileChange",
    "KubernetesBackend",
    "LimitUnenforceable",
    "Listing",
    "PlainBackend",
    "SandboxError",
    "SandboxSpec",
    "SandboxUnavailable",
    "TreeRejected",
]


def __getattr__(name: str) -> Any:
    """Backends of engines that are not on every machine: what they need is imported when they are first asked for."""
    if name == "KubernetesBackend":
        from .on_kubernetes.backend import KubernetesBackend

        return KubernetesBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
