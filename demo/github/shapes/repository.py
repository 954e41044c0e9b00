"""Repositories, labels and permissions."""

from demo.github.clock import stamp
from demo.github.records import ROLES, Label, Repository, Role
from demo.github.shapes.people import user
from demo.github.view import Json, View, node_id

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def url(view: View, record: Repository) -> str:
    return view.api(f"/repos/{record.full_name}")


def html_url(view: View, record: Repository) -> str:
    return view.web(f"/{record.full_name}")


def minimal_repository(view: View, record: Repository) -> Json:
    """`minimal-repository`: the links and names."""
    own = url(view, record)
    return {
        "id": record.id,
        "node_id": node_id("R", record.id),
        "name": record.name,
        "full_name": record.full_name,
        "private": record.private,
        "owner": user(view, record.owner),
        "html_url": html_url(view, record),
        "description": record.description,
        "fork": False,
        "url": own,
        **{name: own + tail for name, tail in _LINKS.items()},
    }


def repository(view: View, record: Repository, role: Role | None = None) -> Json:
    """`repository`, and `repository-webhooks`. `role` fills `permissions` for the caller."""
    issues = sum(1 for issue in record.issues.values() if issue.state == "open")
    host = view.base.partition("://")[2]
    drawn = {
        **minimal_repository(view, record),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.pushed_at),
        "pushed_at": stamp(record.pushed_at),
        "git_url": f"git://{host}/{record.full_name}.git",
        "ssh_url": f"git@{host}:{record.full_name}.git",
        "clone_url": f"{html_url(view, record)}.git",
        "svn_url": html_url(view, record),
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": True,
        "has_projects": False,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": issues,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if record.private else "public",
        "forks": 0,
        "open_issues": issues,
        "watchers": 0,
        "default_branch": record.default_branch,
    }
    if role is not None:
        drawn["permissions"] = permissions(role)
    return drawn


def full_repository(view: View, record: Repository, role: Role | None = None) -> Json:
    """`full-repository`: the answer of `GET /repos/{owner}/{repo}`."""
    return {
        **repository(view, record, role),
        "network_count": 0,
        "subscribers_count": 0,
        "organization": user(view, record.owner),
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
    }


def permissions(role: Role) -> dict[str, bool]:
    level = ROLES.index(role)
    names = ("pull", "triage", "push", "maintain", "admin")
    return {name: level >= least for least, name in enumerate(names)}


def label(view: View, record: Repository, one: Label) -> Json:
    """`label`."""
    return {
        "id": one.id,
        "node_id": node_id("LA", one.id),
        "url": f"{url(view, record)}/labels/{one.name}".replace(" ", "%20"),
        "name": one.name,
        "color": one.color,
        "default": one.name in {"bug", "documentation", "enhancement"},
        "description": one.description or "",
    }
