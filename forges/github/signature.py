"""The signature of a webhook delivery.

Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "sha256="
_DIGEST_HEX = 64
_HEX = frozenset("0123456789abcdef")


def sign_sha256(body: bytes, secret: bytes) -> str:
    """Return the `X-Hub-Signature-256` header value for the raw `body`: `sha256=` and 64 lower-case hex digits."""
    return _PREFIX + hmac.new(secret, body, hashlib.sha256).hexdigest()


def verify_sha256(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Say whether `header` signs the raw request `body` under any of the live `secrets`.

    The body must be the bytes as received: a payload decoded and encoded again has another signature. Every secret is
    tried, so the time taken does not tell which one matched. A missing, malformed or SHA-1 header is False.
    Raises ValueError when there is no secret or an empty one: an unverifiable endpoint must not run.
    """
    if not secrets or not all(secrets):
        raise ValueError("no webhook secret to verify with: give at least one, none of them empty")
    if header is None or not header.startswith(_PREFIX):
        return False
    digest = header[len(_PREFIX) :]
    if len(digest) != _DIGEST_HEX or not _HEX.issuperset(digest):
        return False
    matched = False
    for secret in secrets:
        matched |= hmac.compare_digest(sign_sha256(body, secret), header)
    return matched
