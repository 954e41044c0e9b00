"""GitHub, both ways: deliveries become signals, and what we say goes out once, within its limits, under our App's name.

The pure part (signature, payload, events, checks, base branch, pull request text) needs no network and no secrets.
The other part speaks REST and GraphQL through PyGithub against a configurable base URL and gives back frozen values.
"""

from __future__ import annotations

from .app import GITHUB_API, GitHubApp
from .events import Ignored, Signal, TriggerRules, parse
from .installation import Installation, Repository
from .markers import Marker
from .payload import PayloadError, decode
from .redaction import Redactor
from .signature import sign_sha256, verify_sha256
from .transport import (
    BadCredentials,
    Conflict,
    ForgeError,
    ForgeUnavailable,
    NotFound,
    NotPermitted,
    Patience,
    RateLimited,
    Unprocessable,
)

__all__ = [
    "GITHUB_API",
    "BadCredentials",
    "Conflict",
    "ForgeError",
    "ForgeUnavailable",
    "GitHubApp",
    "Ignored",
    "Installation",
    "Marker",
    "NotFound",
    "NotPermitted",
    "Patience",
    "PayloadError",
    "RateLimited",
    "Redactor",
    "Repository",
    "Signal",
    "TriggerRules",
    "Unprocessable",
    "decode",
    "parse",
    "sign_sha256",
    "verify_sha256",
]
