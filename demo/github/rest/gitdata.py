"""Commits, comparisons and refs. https://docs.github.com/rest/commits, https://docs.github.com/rest/git"""

from demo.github import git
from demo.github.clock import now, stamp
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.pushes import RefUpdate, pushed
from demo.github.rest.repositories import REPO
from demo.github.rest.statuses import resolve
from demo.github.routing import Call, Reply, route
from demo.github.shapes import commit as shapes
from demo.github.shapes.pull import simple_pull
from demo.github.shapes.repository import html_url, url
from demo.github.view import Json


@route("GET", f"{REPO}/commits", needs="contents:read")
def commits(call: Call) -> Reply:
    if not git.refs(call.repo.path):
        raise Refusal(409, "Git Repository is empty.")
    sha = git.resolve(call.repo.path, call.query.get("sha") or call.repo.default_branch)
    if sha is None:
        raise not_found()
    found = git.commits(call.repo.path, sha)
    return page(call, found, lambda one: shapes.commit(call.view, call.repo, one))


@route("GET", f"{REPO}/commits/{{ref}}", needs="contents:read")
def commit(call: Call) -> Reply:
    found = git.commit(call.repo.path, resolve(call))
    parent = found.parents[0] if found.parents else git.EMPTY_TREE
    return Reply(200, shapes.commit(call.view, call.repo, found, git.diff(call.repo.path, parent, found.sha)))


@route("GET", f"{REPO}/commits/{{commit_sha}}/pulls", needs="pull_requests:read|contents:read")
def commit_pulls(call: Call) -> Reply:
    """The pull requests that hold the commit."""
    sha = git.resolve(call.repo.path, call.params["commit_sha"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.params['commit_sha']}")
    found = []
    for pull in call.repo.pulls.values():
        inside = git.merge_base(call.repo.path, sha, pull.head_sha) == sha
        if inside and git.merge_base(call.repo.path, sha, pull.base_sha) != sha:
            found.append(pull)
    return page(call, found, lambda pull: simple_pull(call.view, call.repo, pull))


@route("GET", f"{REPO}/compare/{{basehead}}", needs="contents:read")
def compare(call: Call) -> Reply:
    base_name, dots, head_name = call.params["basehead"].partition("...")
    path = call.repo.path
    base, head = (git.resolve(path, name.rpartition(":")[2]) for name in (base_name, head_name))
    if not dots or base is None or head is None:
        raise not_found()
    fork = git.merge_base(path, base, head)
    if fork is None:
        raise Refusal(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead = git.commits(path, f"{base}..{head}", oldest_first=True)
    behind = len(git.commits(path, f"{head}..{base}"))
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    page_url = f"{html_url(call.view, call.repo)}/compare/{call.params['basehead']}"
    listed = page(call, ahead, lambda one: shapes.commit(call.view, call.repo, one))
    body: Json = {
        "url": f"{url(call.view, call.repo)}/compare/{call.params['basehead']}",
        "html_url": page_url,
        "permalink_url": f"{html_url(call.view, call.repo)}/compare/{base[:7]}...{head[:7]}",
        "diff_url": f"{page_url}.diff",
        "patch_url": f"{page_url}.patch",
        "base_commit": shapes.commit(call.view, call.repo, git.commit(path, base)),
        "merge_base_commit": shapes.commit(call.view, call.repo, git.commit(path, fork)),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": listed.body,
        "files": [shapes.diff_entry(call.view, call.repo, head, one) for one in git.diff(path, fork, head)],
    }
    return Reply(200, body, listed.headers)


@route("GET", f"{REPO}/git/commits/{{commit_sha}}", needs="contents:read")
def git_commit(call: Call) -> Reply:
    sha = call.params["commit_sha"]
    if not git.object_exists(call.repo.path, sha, "commit"):
        raise not_found()
    return Reply(200, shapes.git_commit(call.view, call.repo, git.commit(call.repo.path, sha)))


@route("POST", f"{REPO}/git/commits", needs="contents:write", role="write")
def create_commit(call: Call) -> Reply:
    message = call.field("message", str, "Commit")
    tree = call.field("tree", str, "Commit")
    parents = [str(sha) for sha in call.maybe("parents", list) or []]
    if not git.object_exists(call.repo.path, tree, "tree"):
        raise Refusal(422, "Tree SHA does not exist")
    for parent in parents:
        if not git.object_exists(call.repo.path, parent, "commit"):
            raise Refusal(422, f"Parent SHA does not exist or is not a commit object: {parent}")
    own = call.world.user(call.login)
    default = {"name": own.login, "email": f"{own.id}+{own.login}@users.noreply.github.com", "date": stamp(now())}
    author = {**default, **(call.maybe("author", dict) or {})}
    committer = {**author, **(call.maybe("committer", dict) or {})}
    sha = git.commit_tree(call.repo.path, tree, parents, message, _person(author), _person(committer))
    return Reply(201, shapes.git_commit(call.view, call.repo, git.commit(call.repo.path, sha)))


def _person(given: Json) -> git.Person:
    return git.Person(str(given["name"]), str(given["email"]), str(given["date"]))


@route("GET", f"{REPO}/git/ref/{{ref}}", needs="contents:read")
def ref(call: Call) -> Reply:
    name = f"refs/{call.params['ref']}"
    sha = git.refs(call.repo.path, name).get(name)
    if sha is None:
        raise not_found()
    return Reply(200, shapes.ref(call.view, call.repo, name, sha))


@route("GET", f"{REPO}/git/matching-refs/{{ref}}", needs="contents:read")
def matching_refs(call: Call) -> Reply:
    prefix = f"refs/{call.params['ref']}"
    found = [(name, sha) for name, sha in sorted(git.refs(call.repo.path).items()) if name.startswith(prefix)]
    return Reply(200, [shapes.ref(call.view, call.repo, name, sha) for name, sha in found])


def _check_commit(call: Call, sha: str) -> None:
    if not git.object_exists(call.repo.path, sha, "commit"):
        raise Refusal(422, "Object does not exist")


def _move(call: Call, update: RefUpdate) -> None:
    arguments = (
        ["-d", update.ref, update.before] if update.after == git.ZERO else [update.ref, update.after, update.before]
    )
    git.run(call.repo.path, "update-ref", *arguments)
    pushed(call.courier, call.ci, call.repo, call.login, [update])


@route("POST", f"{REPO}/git/refs", needs="contents:write", role="write")
def create_ref(call: Call) -> Reply:
    name, sha = call.field("ref", str, "Reference"), call.field("sha", str, "Reference")
    if not name.startswith("refs/") or name.count("/") < 2:
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes")
    _check_commit(call, sha)
    if name in git.refs(call.repo.path, name):
        raise Refusal(422, "Reference already exists")
    try:
        _move(call, RefUpdate(name, git.ZERO, sha))
    except git.GitFailed:
        raise Refusal(422, "Reference name is invalid or clashes with another one") from None
    return Reply(201, shapes.ref(call.view, call.repo, name, sha))


def _existing(call: Call) -> tuple[str, str]:
    name = f"refs/{call.params['ref']}"
    sha = git.refs(call.repo.path, name).get(name)
    if sha is None:
        raise Refusal(422, "Reference does not exist")
    guard = call.repo.protections.get(name.removeprefix("refs/heads/"))
    if guard is not None and guard.pull_request:
        raise Refusal(422, "Changes must be made through a pull request.")
    return name, sha


@route("PATCH", f"{REPO}/git/refs/{{ref}}", needs="contents:write", role="write")
def update_ref(call: Call) -> Reply:
    """Moves a ref; without `force` only forwards."""
    name, before = _existing(call)
    after = call.field("sha", str, "Reference")
    _check_commit(call, after)
    if not call.maybe("force", bool) and git.merge_base(call.repo.path, before, after) != before:
        raise Refusal(422, "Update is not a fast forward")
    if before != after:
        _move(call, RefUpdate(name, before, after))
    return Reply(200, shapes.ref(call.view, call.repo, name, after))


@route("DELETE", f"{REPO}/git/refs/{{ref}}", needs="contents:write", role="write")
def delete_ref(call: Call) -> Reply:
    name, before = _existing(call)
    if name == f"refs/heads/{call.repo.default_branch}":
        raise invalid("Reference", "ref", "custom", "Cannot delete the default branch")
    _move(call, RefUpdate(name, before, git.ZERO))
    return Reply(204)
