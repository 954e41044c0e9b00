"""Accounts, Apps and installations."""

from urllib.parse import quote

from demo.github.clock import maybe_stamp, stamp
from demo.github.records import App, Installation, User
from demo.github.view import Json, View, node_id

_USER_LINKS = (
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
)


def user(view: View, login: str) -> Json:
    """`simple-user`. An account that is gone is drawn as GitHub's `ghost` would be: this raises instead (404)."""
    account = view.world.user(login)
    url = view.api(f"/users/{quote(account.login)}")  # a bot's brackets are escaped in its links
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U" if account.type != "Bot" else "BOT", account.id),
        "avatar_url": view.web(f"/_twin/avatars/{account.id}.svg"),
        "gravatar_id": "",
        "url": url,
        "html_url": view.web(f"/apps/{account.login[:-5]}" if account.type == "Bot" else f"/{account.login}"),
        **{name: url + tail for name, tail in _USER_LINKS},
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def maybe_user(view: View, login: str | None) -> Json | None:
    return None if login is None else user(view, login)


def full_user(view: View, login: str) -> Json:
    """`public-user`."""
    account: User = view.world.user(login)
    owned = [r for r in view.world.repositories.values() if r.owner == account.login and not r.private]
    return {
        **user(view, login),
        "name": account.name,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": len(owned),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(account.created_at),
        "updated_at": stamp(account.created_at),
    }


def organization(view: View, login: str) -> Json:
    """`organization-simple-webhooks`."""
    account = view.world.user(login)
    url = view.api(f"/orgs/{account.login}")
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": view.web(f"/_twin/avatars/{account.id}.svg"),
        "description": None,
    }


def app(view: View, record: App) -> Json:
    """`integration`."""
    return {
        "id": record.id,
        "client_id": record.client_id,
        "slug": record.slug,
        "node_id": node_id("A", record.id),
        "owner": user(view, record.owner),
        "name": record.name,
        "description": record.description,
        "external_url": record.external_url,
        "html_url": view.web(f"/apps/{record.slug}"),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
        "permissions": record.permissions,
        "events": record.events,
    }


def maybe_app(view: View, app_id: int | None) -> Json | None:
    return None if app_id is None else app(view, view.world.apps[app_id])


def installation(view: View, record: Installation) -> Json:
    """`installation`."""
    application = view.world.apps[record.app_id]
    account = view.world.user(record.account)
    return {
        "id": record.id,
        "account": user(view, record.account),
        "repository_selection": "all" if record.repository_ids is None else "selected",
        "access_tokens_url": view.api(f"/app/installations/{record.id}/access_tokens"),
        "repositories_url": view.api("/installation/repositories"),
        "html_url": view.web(f"/organizations/{record.account}/settings/installations/{record.id}"),
        "app_id": record.app_id,
        "client_id": application.client_id,
        "app_slug": application.slug,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": record.permissions,
        "events": record.events,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None if record.suspended_at is None else user(view, record.account),
        "suspended_at": maybe_stamp(record.suspended_at),
    }
