"""Installation tokens: minted when needed, renewed before they expire, shared between threads, shown to nobody.

An installation token lives one hour and is narrowed to one repository and the permissions we use:
https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from github.Auth import Auth

RENEW_BEFORE_S = 300.0
"""A token is not handed out in its last five minutes: a long git push must end before it does."""


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """A token, when it expires (epoch seconds) and what it may do. Its repr does not show the token."""

    value: str = field(repr=False)
    expires_at: float
    permissions: Mapping[str, str] = field(default_factory=dict)


class TokenSource:
    """Hands out a live token of one installation and scope."""

    def __init__(self, mint: Callable[[], InstallationToken], *, now: Callable[[], float] = time.time) -> None:
        self._mint = mint
        self._now = now
        self._lock = threading.Lock()
        self._token: InstallationToken | None = None

    def current(self) -> InstallationToken:
        """Return a token that lives for at least five more minutes. Raises what minting raises."""
        with self._lock:
            if self._token is None or self._token.expires_at - RENEW_BEFORE_S <= self._now():
                self._token = self._mint()
            return self._token

    def discard(self, value: str) -> None:
        """Forget the token `value`, which GitHub refused. A newer one, minted meanwhile by another thread, stays."""
        with self._lock:
            if self._token is not None and self._token.value == value:
                self._token = None

    def __repr__(self) -> str:
        return "TokenSource()"


class InstallationAuth(Auth):
    """PyGithub's view of a TokenSource. `used` is the value last sent, for `discard`."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self.used = ""

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        self.used = self._source.current().value
        return self.used

    def discard(self) -> None:
        """Forget the token last sent through this object."""
        self._source.discard(self.used)

    @property
    def _masked_token(self) -> str:
        return "token [redacted]"
