"""Seeds nobody can foresee: each trial's is drawn from a secret the candidate's process never has. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets

SECRET_BYTES = 32
_LARGEST = (1 << 63) - 1


def new_secret() -> bytes:
    """A secret for one job."""
    return secrets.token_bytes(SECRET_BYTES)


def seed(secret: bytes, *where: str | int) -> int:
    """The seed of one trial of the job that has `secret`: 0 to 2^63 - 1. `where` names the trial: phase, cell, number.

    Raises ValueError for a secret that is too short to be one.
    """
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"a job's secret has {SECRET_BYTES} bytes, not {len(secret)}")
    digest = hmac.digest(secret, json.dumps(where).encode("ascii"), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") & _LARGEST
