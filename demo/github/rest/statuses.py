"""Commit statuses. https://docs.github.com/rest/commits/statuses"""

from demo.github import git
from demo.github.clock import stamp
from demo.github.errors import Refusal, invalid
from demo.github.paging import page
from demo.github.records import CommitStatus
from demo.github.rest.repositories import REPO
from demo.github.routing import Call, Reply, route
from demo.github.shapes import checks as shapes
from demo.github.shapes.commit import commit as draw_commit
from demo.github.shapes.repository import url

STATES = ("error", "failure", "pending", "success")


def resolve(call: Call, name: str = "ref") -> str:
    """The sha that a path's ref names (a branch, a tag, a sha); 422 as GitHub's when there is none."""
    rev = call.params[name]
    sha = git.resolve(call.repo.path, rev.removeprefix("heads/") if rev.startswith("heads/") else rev)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {rev}")
    return sha


@route("POST", f"{REPO}/statuses/{{sha}}", needs="statuses:write", role="write")
def create(call: Call) -> Reply:
    sha = resolve(call, "sha")
    state = call.field("state", str, "Status")
    if state not in STATES:
        raise invalid("Status", "state")
    made = CommitStatus(
        call.world.next_id(),
        sha,
        call.maybe("context", str) or "default",
        state,
        call.login,
        call.maybe("description", str),
        call.maybe("target_url", str),
    )
    repo = call.repo
    repo.statuses.append(made)
    call.courier.emit(
        "status",
        None,
        repo,
        call.login,
        lambda view: {
            "id": made.id,
            "sha": sha,
            "name": repo.full_name,
            "context": made.context,
            "description": made.description,
            "state": made.state,
            "target_url": made.target_url,
            "avatar_url": shapes.status(view, repo, made)["avatar_url"],
            "commit": draw_commit(view, repo, git.commit(repo.path, sha)),
            "branches": [
                {
                    "name": ref.removeprefix("refs/heads/"),
                    "commit": {"sha": head, "url": f"{url(view, repo)}/commits/{head}"},
                    "protected": ref.removeprefix("refs/heads/") in repo.protections,
                }
                for ref, head in git.refs(repo.path, "refs/heads/").items()
                if head == sha
            ],
            "created_at": stamp(made.created_at),
            "updated_at": stamp(made.created_at),
        },
    )
    return Reply(201, shapes.status(call.view, repo, made))


@route("GET", f"{REPO}/commits/{{ref}}/statuses", needs="statuses:read")
def listing(call: Call) -> Reply:
    sha = resolve(call)
    newest = [record for record in reversed(call.repo.statuses) if record.sha == sha]
    return page(call, newest, lambda record: shapes.status(call.view, call.repo, record))


@route("GET", f"{REPO}/statuses/{{ref}}", needs="statuses:read")
def listing_by_old_path(call: Call) -> Reply:
    """The path that PyGithub still asks; GitHub answers it too."""
    return listing(call)


@route("GET", f"{REPO}/commits/{{ref}}/status", needs="statuses:read")
def combined(call: Call) -> Reply:
    return Reply(200, shapes.combined_status(call.view, call.repo, resolve(call)))
