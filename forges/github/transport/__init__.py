"""How requests reach GitHub: credentials, rate limits, retries and errors.

A `Channel` sends every request of one credential; a `Gate` spaces the writes of one installation; a `TokenSource` keeps
its token alive. The errors say what a caller should do next, above all whether a write may have happened.
"""

from __future__ import annotations

from .channel import Answer, Channel, Patience
from .errors import (
    BadCredentials,
    Conflict,
    ForgeError,
    ForgeUnavailable,
    NotFound,
    NotPermitted,
    RateLimited,
    Unprocessable,
)
from .limits import Gate
from .tokens import InstallationAuth, InstallationToken, TokenSource

__all__ = [
    "Answer",
    "BadCredentials",
    "Channel",
    "Conflict",
    "ForgeError",
    "ForgeUnavailable",
    "Gate",
    "InstallationAuth",
    "InstallationToken",
    "NotFound",
    "NotPermitted",
    "Patience",
    "RateLimited",
    "TokenSource",
    "Unprocessable",
]
