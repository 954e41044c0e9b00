"""Repositories: what they are, their files, branches, rules, people and labels.

https://docs.github.com/rest/repos, /rest/branches, /rest/collaborators
"""

import base64

from demo.github import git
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.records import Label, Protection, Repository
from demo.github.routing import Call, Reply, route
from demo.github.shapes import people
from demo.github.shapes import repository as shapes
from demo.github.shapes.commit import commit as draw_commit
from demo.github.view import Json, View

REPO = "/repos/{owner}/{repo}"
_KINDS = {"tree": "dir", "blob": "file", "commit": "submodule"}


@route("GET", REPO, needs="metadata:read")
def repository(call: Call) -> Reply:
    role = None
    if call.actor.kind == "user":
        role = call.world.role(call.repo, call.login)
    elif call.actor.kind == "installation":
        role = "write" if call.actor.allows("contents", "write") else "read"
    return Reply(200, shapes.full_repository(call.view, call.repo, role))


@route("GET", f"{REPO}/contents/{{path}}", needs="contents:read")
def contents(call: Call) -> Reply:
    """A file with its base64 content, or a folder's listing."""
    repo, path = call.repo, call.params["path"].strip("/")
    rev = call.query.get("ref") or repo.default_branch
    sha = git.resolve(repo.path, rev)
    if sha is None:
        raise Refusal(404, f"No commit found for the ref {rev}")
    if path:
        entry = git.text(repo.path, "ls-tree", "-l", "-z", sha, "--", path).rstrip("\0")
        if not entry:
            raise not_found()
        if entry.split()[1] == "blob":
            return Reply(200, _file(call.view, repo, rev, entry))
    listing = git.text(repo.path, "ls-tree", "-l", "-z", f"{sha}:{path}" if path else sha)
    entries = [_entry(call.view, repo, rev, line, path) for line in listing.split("\0") if line]
    return Reply(200, entries)


@route("GET", f"{REPO}/contents", needs="contents:read")
def root_contents(call: Call) -> Reply:
    call.params = {**call.params, "path": ""}
    return contents(call)


def _entry(view: View, repo: Repository, rev: str, line: str, folder: str) -> Json:
    meta, _, name = line.partition("\t")
    mode, kind, sha, size = meta.split()
    path = f"{folder}/{name}" if folder else name
    own = f"{shapes.url(view, repo)}/contents/{path}?ref={rev}"
    data = f"{shapes.url(view, repo)}/git/{kind}s/{sha}"
    html = f"{shapes.html_url(view, repo)}/{'tree' if kind == 'tree' else 'blob'}/{rev}/{path}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": int(size) if size.isdigit() else 0,
        "url": own,
        "html_url": html,
        "git_url": data,
        "download_url": f"{shapes.html_url(view, repo)}/raw/{rev}/{path}" if kind == "blob" else None,
        "type": "symlink" if mode == "120000" else _KINDS[kind],
        "_links": {"self": own, "git": data, "html": html},
    }


def _file(view: View, repo: Repository, rev: str, line: str) -> Json:
    drawn = _entry(view, repo, rev, line, "")
    blob = git.run(repo.path, "cat-file", "blob", drawn["sha"])
    if drawn["type"] == "symlink":
        return {**drawn, "target": blob.decode("utf-8", "replace")}
    return {**drawn, "content": base64.encodebytes(blob).decode(), "encoding": "base64"}


@route("GET", f"{REPO}/branches", needs="contents:read")
def branches(call: Call) -> Reply:
    heads = sorted(git.refs(call.repo.path, "refs/heads/").items())
    link = shapes.url(call.view, call.repo)

    def draw(head: tuple[str, str]) -> Json:
        name = head[0].removeprefix("refs/heads/")
        commit = {"sha": head[1], "url": f"{link}/commits/{head[1]}"}
        return {"name": name, "commit": commit, "protected": name in call.repo.protections}

    return page(call, heads, draw)


@route("GET", f"{REPO}/branches/{{branch}}", needs="contents:read")
def branch(call: Call) -> Reply:
    name = call.params["branch"]
    sha = git.refs(call.repo.path, f"refs/heads/{name}").get(f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    own = f"{shapes.url(call.view, call.repo)}/branches/{name}"
    guard = call.repo.protections.get(name)
    contexts = [] if guard is None else [context for context, _ in guard.contexts]
    return Reply(
        200,
        {
            "name": name,
            "commit": draw_commit(call.view, call.repo, git.commit(call.repo.path, sha)),
            "_links": {"self": own, "html": f"{shapes.html_url(call.view, call.repo)}/tree/{name}"},
            "protected": guard is not None,
            "protection": {
                "enabled": guard is not None,
                "required_status_checks": {
                    "enforcement_level": "off" if guard is None else "non_admins",
                    "contexts": contexts,
                    "checks": [] if guard is None else _checks(guard),
                },
            },
            "protection_url": f"{own}/protection",
        },
    )


def _checks(guard: Protection) -> list[Json]:
    return [{"context": context, "app_id": app_id} for context, app_id in guard.contexts]


def _guard(call: Call) -> Protection:
    guard = call.repo.protections.get(call.params["branch"])
    if guard is None:
        raise Refusal(404, "Branch not protected")
    return guard


def _required(call: Call, guard: Protection) -> Json:
    own = f"{shapes.url(call.view, call.repo)}/branches/{call.params['branch']}/protection/required_status_checks"
    contexts = [context for context, _ in guard.contexts]
    return {
        "url": own,
        "strict": guard.strict,
        "contexts": contexts,
        "contexts_url": f"{own}/contexts",
        "checks": _checks(guard),
    }


@route("GET", f"{REPO}/branches/{{branch}}/protection", needs="administration:read", role="admin")
def protection(call: Call) -> Reply:
    guard = _guard(call)
    own = f"{shapes.url(call.view, call.repo)}/branches/{call.params['branch']}/protection"
    drawn: Json = {"url": own, "enforce_admins": {"url": f"{own}/enforce_admins", "enabled": False}}
    if guard.contexts:
        drawn["required_status_checks"] = _required(call, guard)
    return Reply(200, drawn)


@route(
    "GET", f"{REPO}/branches/{{branch}}/protection/required_status_checks", needs="administration:read", role="admin"
)
def required_status_checks(call: Call) -> Reply:
    guard = _guard(call)
    if not guard.contexts:
        raise Refusal(404, "Required status checks not enabled")
    return Reply(200, _required(call, guard))


@route("GET", f"{REPO}/rules/branches/{{branch}}", needs="metadata:read")
def rules(call: Call) -> Reply:
    """The branch's protection as rules of one ruleset: what any reader may see."""
    guard = call.repo.protections.get(call.params["branch"])
    found: list[Json] = []
    source: Json = {"ruleset_source_type": "Repository", "ruleset_source": call.repo.full_name, "ruleset_id": 1}
    if guard is not None and guard.contexts:
        checks = [
            {"context": context} if app_id is None else {"context": context, "integration_id": app_id}
            for context, app_id in guard.contexts
        ]
        parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": guard.strict}
        found.append({"type": "required_status_checks", **source, "parameters": parameters})
    if guard is not None and guard.pull_request:
        parameters = {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": 0,
            "required_review_thread_resolution": False,
        }
        found.append({"type": "pull_request", **source, "parameters": parameters})
    return page(call, found, lambda rule: rule)


@route("GET", f"{REPO}/collaborators/{{username}}/permission", needs="metadata:read")
def permission(call: Call) -> Reply:
    """What somebody may do: `role_name` exactly, `permission` in the four old words."""
    login = call.world.user(call.params["username"]).login
    role = call.world.role(call.repo, login)
    old = {None: "none", "triage": "read", "maintain": "write"}.get(role, role)
    drawn = people.user(call.view, login)
    if role is not None:
        drawn = {**drawn, "permissions": shapes.permissions(role), "role_name": role}
    else:
        nothing = dict.fromkeys(("pull", "triage", "push", "maintain", "admin"), False)
        drawn = {**drawn, "permissions": nothing, "role_name": "none"}
    return Reply(200, {"permission": old, "role_name": role or "none", "user": drawn})


@route("GET", f"{REPO}/assignees", needs="metadata:read")
def assignees(call: Call) -> Reply:
    people_here = [u.login for u in call.world.users.values() if call.world.assignable(call.repo, u.login)]
    return page(call, people_here, lambda login: people.user(call.view, login))


@route("GET", f"{REPO}/assignees/{{assignee}}", needs="metadata:read")
def assignee(call: Call) -> Reply:
    if not call.world.assignable(call.repo, call.params["assignee"]):
        raise not_found()
    return Reply(204)


@route("GET", f"{REPO}/labels", needs="issues:read|pull_requests:read")
def labels(call: Call) -> Reply:
    return page(call, list(call.repo.labels.values()), lambda one: shapes.label(call.view, call.repo, one))


@route("GET", f"{REPO}/labels/{{name}}", needs="issues:read|pull_requests:read")
def label(call: Call) -> Reply:
    found = call.repo.labels.get(call.params["name"])
    if found is None:
        raise not_found()
    return Reply(200, shapes.label(call.view, call.repo, found))


@route("POST", f"{REPO}/labels", needs="issues:write|pull_requests:write", role="write")
def create_label(call: Call) -> Reply:
    name = call.field("name", str, "Label")
    if name in call.repo.labels:
        raise invalid("Label", "name", "already_exists")
    return Reply(201, shapes.label(call.view, call.repo, add_label(call, name)))


def add_label(call: Call, name: str) -> Label:
    """A new label of the repository, and the event about it."""
    color = (call.maybe("color", str) if call.given("color") else None) or "ededed"
    about = call.maybe("description", str) if call.given("description") else None
    made = Label(call.world.next_id(), name, color.lstrip("#"), about)
    repo = call.repo
    repo.labels[name] = made
    call.courier.emit("label", "created", repo, call.login, lambda view: {"label": shapes.label(view, repo, made)})
    return made


@route("DELETE", f"{REPO}/labels/{{name}}", needs="issues:write|pull_requests:write", role="write")
def delete_label(call: Call) -> Reply:
    repo = call.repo
    gone = repo.labels.pop(call.params["name"], None)
    if gone is None:
        raise not_found()
    for issue in repo.issues.values():
        issue.labels = [name for name in issue.labels if name != gone.name]
    call.courier.emit("label", "deleted", repo, call.login, lambda view: {"label": shapes.label(view, repo, gone)})
    return Reply(204)
