"""Apps, installations, their tokens, webhook settings and deliveries.

https://docs.github.com/rest/apps
"""

import secrets
from typing import Any

from demo.github.clock import now, stamp
from demo.github.deliveries import Delivery
from demo.github.errors import Refusal, not_found
from demo.github.manifest import convert
from demo.github.paging import by_cursor, page
from demo.github.records import App, Installation
from demo.github.routing import Call, Reply, route
from demo.github.shapes import people
from demo.github.shapes import repository as repositories
from demo.github.view import Json
from demo.github.world import InstallationToken


def _own_app(call: Call) -> App:
    if call.actor.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    return call.actor.app


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.app_id != _own_app(call).id:
        raise not_found()
    return found


@route("GET", "/app", only="app")
def app(call: Call) -> Reply:
    own = _own_app(call)
    count = sum(1 for i in call.world.installations.values() if i.app_id == own.id)
    return Reply(200, {**people.app(call.view, own), "installations_count": count})


@route("GET", "/apps/{app_slug}")
def app_by_slug(call: Call) -> Reply:
    for one in call.world.apps.values():
        if one.slug == call.params["app_slug"]:
            return Reply(200, people.app(call.view, one))
    raise not_found()


@route("GET", "/app/installations", only="app")
def installations(call: Call) -> Reply:
    own = [i for i in call.world.installations.values() if i.app_id == _own_app(call).id]
    return page(call, own, lambda one: people.installation(call.view, one))


@route("GET", "/app/installations/{installation_id}", only="app")
def installation(call: Call) -> Reply:
    return Reply(200, people.installation(call.view, _installation(call)))


@route("GET", "/repos/{owner}/{repo}/installation", only="app")
def repository_installation(call: Call) -> Reply:
    for one in call.world.installations.values():
        if one.app_id == _own_app(call).id and call.world.covers(one, call.repo):
            return Reply(200, people.installation(call.view, one))
    raise not_found()


@route("POST", "/app/installations/{installation_id}/access_tokens", only="app")
def access_token(call: Call) -> Reply:
    """A new installation token, narrowed by `repository_ids`, `repositories` and `permissions` when given."""
    held = _installation(call)
    if held.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    chosen = _chosen_repositories(call, held)
    permissions = _chosen_permissions(call, held)
    token = f"ghs_{secrets.token_hex(18)}"
    expires = call.world.expires()
    call.world.installation_tokens[token] = InstallationToken(held.id, permissions, chosen, expires)
    body: Json = {
        "token": token,
        "expires_at": stamp(expires),
        "permissions": permissions,
        "repository_selection": "selected" if chosen is not None or held.repository_ids is not None else "all",
    }
    if chosen is not None:
        covered = [r for r in call.world.covered_by(held) if r.id in chosen]
        body["repositories"] = [repositories.repository(call.view, r) for r in covered]
    return Reply(201, body)


def _chosen_repositories(call: Call, held: Installation) -> set[int] | None:
    ids, names = call.maybe("repository_ids", list), call.maybe("repositories", list)
    if not ids and not names:
        return None
    covered = call.world.covered_by(held)
    chosen = {r.id for r in covered if r.id in (ids or []) or r.name in (names or [])}
    if len(chosen) < len(set(ids or []) | set(names or [])):
        raise Refusal(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return chosen


def _chosen_permissions(call: Call, held: Installation) -> dict[str, str]:
    asked = call.maybe("permissions", dict)
    if not asked:
        return dict(held.permissions)
    for name, level in asked.items():
        have = held.permissions.get(name)
        if have is None or (level == "write" and have == "read"):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    return {"metadata": "read", **asked}


@route("GET", "/installation/repositories", only="installation")
def installation_repositories(call: Call) -> Reply:
    covered = [r for r in call.world.repositories.values() if call.actor.sees(call.world, r)]
    reply = page(call, covered, lambda r: repositories.repository(call.view, r, "write"), wrap="repositories")
    held = call.actor.installation
    selected = call.actor.repository_ids is not None or (held is not None and held.repository_ids is not None)
    reply.body["repository_selection"] = "selected" if selected else "all"
    return reply


@route("GET", "/app/hook/config", only="app")
def hook_config(call: Call) -> Reply:
    return Reply(200, _config(_own_app(call)))


@route("PATCH", "/app/hook/config", only="app")
def change_hook_config(call: Call) -> Reply:
    own = _own_app(call)
    kind = call.maybe("content_type", str)
    if kind == "json":
        own.hook.content_type = "json"
    elif kind == "form":
        own.hook.content_type = "form"
    elif kind is not None:
        raise Refusal(422, "content_type is json or form")
    own.hook.url = call.maybe("url", str) or own.hook.url
    own.hook.secret = call.maybe("secret", str) or own.hook.secret
    return Reply(200, _config(own))


def _config(own: App) -> Json:
    config: Json = {"content_type": own.hook.content_type, "insecure_ssl": "0"}
    if own.hook.url is not None:
        config["url"] = own.hook.url
    if own.hook.secret is not None:
        config["secret"] = "********"
    return config


@route("GET", "/app/hook/deliveries", only="app")
def deliveries(call: Call) -> Reply:
    own = [d for d in call.courier.postman.log if d.app_id == _own_app(call).id]
    wanted = call.query.get("status")
    if wanted == "failure":
        own = [d for d in own if d.status != "OK"]
    elif wanted == "success":
        own = [d for d in own if d.status == "OK"]
    return by_cursor(call, sorted(own, key=lambda d: -d.id), lambda d: d.id, _item)


def _delivery(call: Call) -> Delivery:
    found = call.courier.postman.find(call.number("delivery_id"), _own_app(call).id)
    if found is None:
        raise not_found()
    return found


@route("GET", "/app/hook/deliveries/{delivery_id}", only="app")
def delivery(call: Call) -> Reply:
    found = _delivery(call)
    return Reply(
        200,
        {
            **_item(found),
            "url": found.url,
            "request": {"headers": found.request_headers, "payload": found.payload},
            "response": {"headers": found.response_headers, "payload": found.response_body},
        },
    )


def _item(one: Delivery) -> Json:
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": stamp(one.delivered_at),
        "redelivery": one.redelivery,
        "duration": one.duration,
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


@route("POST", "/app/hook/deliveries/{delivery_id}/attempts", only="app")
def redeliver(call: Call) -> Reply:
    found = _delivery(call)
    call.courier.postman.redeliver(found.id, found.app_id)
    return Reply(202, {})


@route("POST", "/app-manifests/{code}/conversions")
def convert_manifest(call: Call) -> Reply:
    """Turns the code of the manifest flow into an App with its secrets: once."""
    made, pem, secret = convert(call.world, call.params["code"])
    call.courier.ping(made)
    return Reply(
        201,
        {
            **people.app(call.view, made),
            "client_secret": secrets.token_hex(20),
            "webhook_secret": secret,
            "pem": pem,
        },
    )


@route("GET", "/rate_limit")
def rate_limit(call: Call) -> Reply:
    used: dict[str, Any] = {
        "limit": call.world.rate_limit,
        "used": 0,
        "remaining": call.world.rate_limit,
        "reset": int(now().timestamp()) + 3600,
    }
    return Reply(200, {"resources": {"core": used, "search": used, "graphql": used}, "rate": used})


@route("GET", "/user")
def authenticated_user(call: Call) -> Reply:
    if call.actor.kind == "installation":
        raise Refusal(403, "Resource not accessible by integration")
    return Reply(200, people.full_user(call.view, call.login))


@route("GET", "/users/{username}")
def user(call: Call) -> Reply:
    return Reply(200, people.full_user(call.view, call.params["username"]))


@route("GET", "/meta")
def meta(call: Call) -> Reply:
    loopback = ["127.0.0.0/8", "::1/128"]
    return Reply(
        200, {"verifiable_password_authentication": False, "hooks": loopback, "web": loopback, "api": loopback}
    )
