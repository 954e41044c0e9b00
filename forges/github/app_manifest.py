"""Registering the App: the manifest GitHub is given, and the credentials it gives back.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .events import HANDLED_EVENTS
from .permissions import NEEDED_PERMISSIONS
from .transport import Channel, Gate, Patience

ALWAYS_SENT = frozenset({"installation", "installation_repositories"})
"""Events every App gets; a manifest that subscribes to them is refused."""

NEEDED_EVENTS = HANDLED_EVENTS - ALWAYS_SENT


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What GitHub hands over once. The repr shows no secret."""

    app_id: int
    slug: str
    html_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


def build_manifest(*, name: str, homepage_url: str, hook_url: str, redirect_url: str) -> dict[str, Any]:
    """Return the manifest of an App with the least permissions and events, to be posted as the form field `manifest`.

    Raises ValueError for a hook URL that is not https, except on this machine: deliveries would travel in the open.
    """
    if not hook_url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ValueError(f"the hook URL must begin with https://: {hook_url}")
    if not 0 < len(name) <= 34:
        raise ValueError(f"GitHub takes App names of 1 to 34 characters, not {len(name)}")
    return {
        "name": name,
        "url": homepage_url,
        "hook_attributes": {"url": hook_url, "active": True},
        "redirect_url": redirect_url,
        "public": False,
        "default_permissions": dict(NEEDED_PERMISSIONS),
        "default_events": sorted(NEEDED_EVENTS),
    }


def registration_url(web_url: str, state: str, organization: str | None = None) -> str:
    """Return where a browser posts the manifest form: for a person's account, or an organization's."""
    place = f"/organizations/{quote(organization, safe='')}" if organization else ""
    return f"{web_url.rstrip('/')}{place}/settings/apps/new?state={quote(state, safe='')}"


def convert_code(base_url: str, code: str, *, patience: Patience | None = None) -> AppCredentials:
    """Exchange the code GitHub sent to the redirect URL. It is good for one hour and for one use, without credentials.

    Raises NotFound for a code that is wrong, old or used; ForgeUnavailable when the answer was lost, and with it the
    credentials: delete that App at GitHub and begin again.
    """
    channel = Channel(base_url, lambda: None, Gate(0.0), patience or Patience())
    body: Mapping[str, Any] = channel.post(f"/app-manifests/{quote(code, safe='')}/conversions", {})
    return AppCredentials(
        app_id=body["id"],
        slug=body["slug"],
        html_url=body["html_url"],
        private_key=body["pem"],
        webhook_secret=body.get("webhook_secret") or "",
        client_id=body.get("client_id") or "",
        client_secret=body.get("client_secret") or "",
    )
