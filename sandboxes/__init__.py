"""Machines of their own, where anything may run, behind one contract (`sandboxes.contract`).

A small runner program starts inside each box and answers framed requests over one byte stream (`sandboxes.inside`,
docs/sandbox-protocol.md); a backend only decides what surrounds it. Here are the local ones: bubblewrap, and a plain
process for those who explicitly accept that it isolates nothing.
"""

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
from .plain import PlainBackend

__all__ = [
    "Backend",
    "Bind",
    "Box",
    "BoxLost",
    "BubblewrapBackend",
    "ChangesTooLarge",
    "CommandResult",
    "FileChange",
    "LimitUnenforceable",
    "Listing",
    "PlainBackend",
    "SandboxError",
    "SandboxSpec",
    "SandboxUnavailable",
    "TreeRejected",
]
