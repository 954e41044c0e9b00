"""Keeping secrets out of what we say: known shapes of credentials, and the exact secrets of this process.

Shapes: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/ (tokens),
RFC 7519 (JWT), RFC 7468 (PEM), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[redacted]"
_SHORTEST = 6

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    r"|\bgh[pousr]_[A-Za-z0-9_.-]{16,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,400}(?=@)"
    r"|(?<=\bbasic )[A-Za-z0-9+/]{12,}={0,2}"
    r"|(?<=\bbearer )[A-Za-z0-9._~+/-]{12,}={0,2}",
    re.DOTALL | re.IGNORECASE,
)


class Redactor:
    """Replaces secrets in text by `[redacted]`: everything that looks like a credential, and the given exact strings.

    A given secret is also found in its URL-quoted form and as the password of a Basic header git would send. Secrets
    shorter than six characters raise ValueError: they could not be told from ordinary text.
    """

    __slots__ = ("_exact",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) < _SHORTEST:
                raise ValueError(f"a secret of fewer than {_SHORTEST} characters cannot be redacted: use a longer one")
            basic = base64.b64encode(f"x-access-token:{secret}".encode()).decode().rstrip("=")
            forms |= {secret, secret.strip(), quote(secret, safe=""), basic}
        # Longest first: a secret that begins with another must go whole.
        self._exact = sorted((form for form in forms if form), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        for secret in self._exact:
            text = text.replace(secret, MASK)
        return _SHAPES.sub(MASK, text)

    def __repr__(self) -> str:
        return f"Redactor({len(self._exact)} forms)"


_SHAPES_ONLY = Redactor()


def redact(text: str) -> str:
    """Return `text` with everything replaced that has the shape of a credential."""
    return _SHAPES_ONLY(text)
