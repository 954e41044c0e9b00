"""The App at GitHub: its identity, its installations, its tokens, its delivery log."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from github.Auth import AppAuth, Auth

from .deliveries import Deliveries
from .installation import Installation
from .issues import when
from .permissions import NEEDED_PERMISSIONS
from .redaction import Redactor
from .transport import Channel, Gate, InstallationAuth, InstallationToken, Patience, TokenSource, Unprocessable

GITHUB_API: Final = "https://api.github.com"
_CHANNELS_KEPT = 64


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The App as GitHub knows it, with the permissions and events its settings ask for."""

    id: int
    slug: str
    name: str
    permissions: Mapping[str, str]
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class InstallationInfo:
    """One installation; its permissions are those its owner has approved."""

    id: int
    account: str
    permissions: Mapping[str, str]
    events: frozenset[str]
    suspended: bool
    repository_selection: str


@dataclass(frozen=True, slots=True)
class HookConfig:
    """Where GitHub delivers to. GitHub shows a secret as asterisks: only whether there is one can be known."""

    url: str
    content_type: str
    has_secret: bool
    insecure_ssl: bool


class GitHubApp:
    """The App. One object serves a whole process and all its threads; it holds the private key and shows it nowhere.

    `base_url`: https://api.github.com, or of GitHub Enterprise Server `https://HOST/api/v3`. `private_key`: PEM text.
    `write_spacing_s`: seconds between two writes of one installation. `patience`: time limits and attempts. `redactor`:
    knows this process's secrets and cleans every text sent; without one, what has the shape of a credential goes.
    """

    def __init__(
        self,
        base_url: str,
        app_id: int,
        private_key: str,
        *,
        write_spacing_s: float = 1.0,
        patience: Patience | None = None,
        redactor: Redactor | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.app_id = app_id
        self.base_url = base_url
        self._spacing_s = write_spacing_s
        self._patience = patience or Patience()
        self._redactor = redactor
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._gates: dict[int, Gate] = {}
        self._channels: OrderedDict[tuple[int, str | None], tuple[Channel, TokenSource]] = OrderedDict()
        # Minting tokens creates no content: no spacing.
        self._channel = self._open_channel(lambda: AppAuth(app_id, private_key), Gate(0.0, now=now, sleep=sleep))

    def _open_channel(self, auth: Callable[[], Auth], gate: Gate) -> Channel:
        """Return a channel to this App's GitHub under another credential."""
        return Channel(
            self.base_url, auth, gate, self._patience, redactor=self._redactor, now=self._now, sleep=self._sleep
        )

    @property
    def deliveries(self) -> Deliveries:
        """The App's delivery log."""
        return Deliveries(self._channel)

    def identity(self) -> AppIdentity:
        """Return who we are. BadCredentials when id, key or clock are wrong."""
        body = self._channel.get("/app")
        return AppIdentity(
            id=body["id"],
            slug=body["slug"],
            name=body["name"],
            permissions=dict(body["permissions"]),
            events=frozenset(body["events"]),
        )

    def hook_config(self) -> HookConfig:
        """Return where GitHub delivers to."""
        body = self._channel.get("/app/hook/config")
        return HookConfig(
            url=body.get("url") or "",
            content_type=body.get("content_type") or "form",
            has_secret=bool(body.get("secret")),
            insecure_ssl=str(body.get("insecure_ssl", "0")) == "1",
        )

    def installations(self) -> list[InstallationInfo]:
        """Return every installation, suspended ones too."""
        return [_installation(body) for body in self._channel.pages("/app/installations")]

    def installation_of(self, full_name: str) -> InstallationInfo:
        """Return the installation that covers a repository. NotFound when none does."""
        return _installation(self._channel.get(f"/repos/{full_name}/installation"))

    def installation(self, installation_id: int) -> Installation:
        """Return an installation to work with. Asks nothing yet."""
        return Installation(installation_id, partial(self._connect, installation_id))

    def _connect(self, installation_id: int, full_name: str | None) -> tuple[Channel, TokenSource]:
        """Return the channel and tokens of one repository of an installation, or of all of it for None.

        The most recently used are kept: each holds a token and, for every thread, a connection.
        """
        with self._lock:
            key = (installation_id, full_name)
            if key not in self._channels:
                gate = self._gates.setdefault(installation_id, Gate(self._spacing_s, now=self._now, sleep=self._sleep))
                source = TokenSource(partial(self._mint, installation_id, full_name), now=self._now)
                self._channels[key] = self._open_channel(lambda: InstallationAuth(source), gate), source
            self._channels.move_to_end(key)
            while len(self._channels) > _CHANNELS_KEPT:
                self._channels.popitem(last=False)
            return self._channels[key]

    def _mint(self, installation_id: int, full_name: str | None) -> InstallationToken:
        """Make a token. Where the owner has not approved a permission yet, one with what has been approved."""
        scope: dict[str, Any] = {"permissions": dict(NEEDED_PERMISSIONS)}
        if full_name is not None:
            scope["repositories"] = [full_name.partition("/")[2]]
        path = f"/app/installations/{installation_id}"
        try:
            body = self._channel.post(f"{path}/access_tokens", scope, repeatable=True)
        except Unprocessable:
            granted = self._channel.get(path)["permissions"]
            scope["permissions"] = approved_part(NEEDED_PERMISSIONS, granted)
            if scope["permissions"] == NEEDED_PERMISSIONS:
                raise
            body = self._channel.post(f"{path}/access_tokens", scope, repeatable=True)
        return InstallationToken(
            value=body["token"],
            expires_at=when(body["expires_at"]).timestamp(),
            permissions=dict(body.get("permissions") or {}),
        )

    def __repr__(self) -> str:
        return f"GitHubApp({self.app_id} at {self.base_url})"


def approved_part(wanted: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """Return `wanted` cut down to what is `granted`: read where write was wanted and only read is granted."""
    return {
        name: level if granted[name] in (level, "write", "admin") else granted[name]
        for name, level in wanted.items()
        if name in granted
    }


def _installation(body: Any) -> InstallationInfo:
    return InstallationInfo(
        id=body["id"],
        account=(body.get("account") or {}).get("login") or "",
        permissions=dict(body["permissions"]),
        events=frozenset(body["events"]),
        suspended=body.get("suspended_at") is not None,
        repository_selection=body["repository_selection"],
    )
