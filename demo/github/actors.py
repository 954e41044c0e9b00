"""Who is asking: nobody, a person, an App (by its JWT) or an installation of an App (by its token)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from demo.github.clock import now
from demo.github.errors import Refusal, bad_credentials
from demo.github.records import App, Installation, Repository
from demo.github.world import World

LONGEST_JWT_S = 600
CLOCK_DRIFT_S = 60


@dataclass(frozen=True)
class Actor:
    """`login` names the account that acts (a bot for an installation); None for nobody.

    `permissions` is set for an installation token only: the token's own, possibly narrowed, permissions.
    """

    kind: str  # "anonymous" | "user" | "app" | "installation"
    login: str | None = None
    app: App | None = None
    installation: Installation | None = None
    permissions: dict[str, str] | None = None
    repository_ids: set[int] | None = None
    expires_at: datetime | None = None

    def allows(self, permission: str, level: str) -> bool:
        """Does the installation token carry this permission at this level (write includes read)?"""
        held = (self.permissions or {}).get(permission)
        return held == "write" or held == level or held == "admin"

    def sees(self, world: World, repository: Repository) -> bool:
        """Is the repository within the installation token's reach?"""
        if self.installation is None or not world.covers(self.installation, repository):
            return False
        return self.repository_ids is None or repository.id in self.repository_ids


ANONYMOUS = Actor("anonymous")


def identify(world: World, scheme: str, credential: str) -> Actor:
    """The actor behind an Authorization header; a Refusal (401) when the credential is wrong or has expired.

    https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
    """
    if not scheme:
        return ANONYMOUS
    if scheme.lower() not in {"bearer", "token"}:
        raise bad_credentials()
    if credential.count(".") == 2:
        return _app(world, credential)
    return from_token(world, credential)


def from_token(world: World, token: str) -> Actor:
    """The actor of an installation token or a person's token."""
    login = world.user_tokens.get(token)
    if login is not None:
        return Actor("user", login)
    held = world.installation_tokens.get(token)
    if held is None or held.expires_at <= now():
        raise bad_credentials()
    installation = world.installations.get(held.installation_id)
    if installation is None:
        raise bad_credentials()
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    app = world.apps[installation.app_id]
    return Actor("installation", app.login, app, installation, held.permissions, held.repository_ids, held.expires_at)


def _app(world: World, token: str) -> Actor:
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    issuer = str(claims.get("iss"))
    app = next((a for a in world.apps.values() if issuer in (str(a.id), a.client_id)), None)
    if app is None or not app.public_key:
        raise Refusal(401, "Integration not found")
    try:
        claims = jwt.decode(
            token, app.public_key, algorithms=["RS256"], options={"require": ["exp", "iat", "iss"]}, leeway=0
        )
    except jwt.ExpiredSignatureError:
        message = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
        raise Refusal(401, message + "assertion expires") from None
    except jwt.ImmatureSignatureError:
        message = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        raise Refusal(401, message) from None
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    if claims["exp"] > now().timestamp() + LONGEST_JWT_S + CLOCK_DRIFT_S:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    return Actor("app", app.login, app)
