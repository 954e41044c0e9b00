"""Commits, diffs and refs, drawn from git."""

from datetime import UTC, datetime

from demo.github import git
from demo.github.clock import stamp
from demo.github.records import Repository
from demo.github.shapes.people import user
from demo.github.shapes.repository import html_url, url
from demo.github.view import Json, View, node_id

_UNSIGNED: Json = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def account_of(view: View, person: git.Person) -> Json | None:
    """The account behind a commit's e-mail address: `ID+LOGIN@users.noreply.github.com`, or None."""
    local, _, domain = person.email.partition("@")
    if domain != "users.noreply.github.com":
        return None
    login = local.partition("+")[2] or local
    return user(view, login) if login.lower() in view.world.users else None


def _utc(date: str) -> str:
    return stamp(datetime.fromisoformat(date).astimezone(UTC))


def _person(person: git.Person) -> Json:
    return {"name": person.name, "email": person.email, "date": _utc(person.date)}


def commit(view: View, repository: Repository, record: git.Commit, files: list[git.FileDiff] | None = None) -> Json:
    """`commit`; with `files`, as the answer about a single commit."""
    own = f"{url(view, repository)}/commits/{record.sha}"
    data = f"{url(view, repository)}/git"
    page = f"{html_url(view, repository)}/commit"
    drawn: Json = {
        "sha": record.sha,
        "node_id": f"C_{record.sha}",
        "commit": {
            "author": _person(record.author),
            "committer": _person(record.committer),
            "message": record.message,
            "tree": {"sha": record.tree, "url": f"{data}/trees/{record.tree}"},
            "url": f"{data}/commits/{record.sha}",
            "comment_count": 0,
            "verification": _UNSIGNED,
        },
        "url": own,
        "html_url": f"{page}/{record.sha}",
        "comments_url": f"{own}/comments",
        "author": account_of(view, record.author),
        "committer": account_of(view, record.committer),
        "parents": [
            {"sha": sha, "url": f"{url(view, repository)}/commits/{sha}", "html_url": f"{page}/{sha}"}
            for sha in record.parents
        ],
    }
    if files is not None:
        added, deleted = sum(f.additions for f in files), sum(f.deletions for f in files)
        drawn["stats"] = {"total": added + deleted, "additions": added, "deletions": deleted}
        drawn["files"] = [diff_entry(view, repository, record.sha, one) for one in files]
    return drawn


def git_commit(view: View, repository: Repository, record: git.Commit) -> Json:
    """`git-commit`: the answer of the Git data API."""
    data = f"{url(view, repository)}/git"
    page = f"{html_url(view, repository)}/commit"
    return {
        "sha": record.sha,
        "node_id": f"C_{record.sha}",
        "url": f"{data}/commits/{record.sha}",
        "html_url": f"{page}/{record.sha}",
        "author": _person(record.author),
        "committer": _person(record.committer),
        "message": record.message,
        "tree": {"sha": record.tree, "url": f"{data}/trees/{record.tree}"},
        "parents": [
            {"sha": sha, "url": f"{data}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in record.parents
        ],
        "verification": _UNSIGNED,
    }


def simple_commit(record: git.Commit) -> Json:
    """`simple-commit`."""
    return {
        "id": record.sha,
        "tree_id": record.tree,
        "message": record.message,
        "timestamp": record.committer.date,
        "author": {"name": record.author.name, "email": record.author.email},
        "committer": {"name": record.committer.name, "email": record.committer.email},
    }


def pushed_commit(view: View, repository: Repository, record: git.Commit, files: list[git.FileDiff]) -> Json:
    """A commit as the push webhook lists it."""
    return {
        **simple_commit(record),
        "distinct": True,
        "url": f"{html_url(view, repository)}/commit/{record.sha}",
        "added": [f.filename for f in files if f.status in ("added", "renamed")],
        "removed": [f.previous or f.filename for f in files if f.status in ("removed", "renamed")],
        "modified": [f.filename for f in files if f.status == "modified"],
    }


def diff_entry(view: View, repository: Repository, sha: str, file: git.FileDiff) -> Json:
    """`diff-entry`."""
    page = html_url(view, repository)
    drawn: Json = {
        "sha": file.sha,
        "filename": file.filename,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{page}/blob/{sha}/{file.filename}",
        "raw_url": f"{page}/raw/{sha}/{file.filename}",
        "contents_url": f"{url(view, repository)}/contents/{file.filename}?ref={sha}",
    }
    if file.patch is not None:
        drawn["patch"] = file.patch.rstrip("\n")
    if file.previous is not None:
        drawn["previous_filename"] = file.previous
    return drawn


def ref(view: View, repository: Repository, name: str, sha: str) -> Json:
    """`git-ref`."""
    data = f"{url(view, repository)}/git"
    return {
        "ref": name,
        "node_id": node_id("REF", repository.id) + name,
        "url": f"{data}/{name}",
        "object": {"sha": sha, "type": "commit", "url": f"{data}/commits/{sha}"},
    }
