"""Issues, their labels and assignees. https://docs.github.com/rest/issues"""

from demo.github.clock import now
from demo.github.errors import Refusal, invalid
from demo.github.paging import page
from demo.github.records import Happening, Issue, Repository
from demo.github.rest.repositories import REPO, add_label
from demo.github.routing import Call, Reply, route
from demo.github.shapes import issue as shapes
from demo.github.shapes import people
from demo.github.shapes import repository as repositories
from demo.github.shapes.pull import pull as draw_pull
from demo.github.view import Json, View

EITHER = "issues:{0}|pull_requests:{0}"
READ, WRITE = EITHER.format("read"), EITHER.format("write")
LONGEST_BODY = 65536
MOST_ASSIGNEES = 10


def next_number(repo: Repository) -> int:
    """Issues and pull requests share one number space."""
    return max(repo.issues, default=0) + 1


def tell(call: Call, issue: Issue, action: str, extra: Json | None = None) -> None:
    """Sends `issues.ACTION` or, for a pull request, `pull_request.ACTION`."""
    repo = call.repo

    def draw(view: View) -> Json:
        more = {key: part(view) if callable(part) else part for key, part in (extra or {}).items()}
        if issue.is_pull:
            pull = repo.pulls[issue.number]
            return {"number": issue.number, "pull_request": draw_pull(view, repo, pull), **more}
        return {"issue": shapes.issue(view, repo, issue), **more}

    call.courier.emit("pull_request" if issue.is_pull else "issues", action, repo, call.login, draw)


def check_body(text: str | None, resource: str) -> None:
    if text is not None and len(text) > LONGEST_BODY:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {LONGEST_BODY} characters)")


@route("GET", f"{REPO}/issues", needs="issues:read")
def issues(call: Call) -> Reply:
    """Issues and pull requests, newest first; filters: state, labels, assignee, creator."""
    state = call.query.get("state", "open")
    found = [i for i in call.repo.issues.values() if state == "all" or i.state == state]
    if labels := call.query.get("labels"):
        found = [i for i in found if set(labels.split(",")) <= set(i.labels)]
    assignee = call.query.get("assignee")
    if assignee == "none":
        found = [i for i in found if not i.assignees]
    elif assignee not in (None, "*"):
        found = [i for i in found if assignee in i.assignees]
    if creator := call.query.get("creator"):
        found = [i for i in found if i.user == creator]
    found.sort(key=lambda i: i.number, reverse=call.query.get("direction", "desc") == "desc")
    return page(call, found, lambda one: shapes.issue(call.view, call.repo, one))


@route("GET", f"{REPO}/issues/{{issue_number}}", needs=READ)
def issue(call: Call) -> Reply:
    return Reply(200, shapes.closed_issue(call.view, call.repo, call.issue()))


@route("POST", f"{REPO}/issues", needs="issues:write")
def create(call: Call) -> Reply:
    """Labels and assignees of somebody without triage are dropped silently, as GitHub does."""
    title = call.field("title", str, "Issue")
    body = call.maybe("body", str)
    check_body(body, "Issue")
    made = Issue(call.world.next_id(), next_number(call.repo), title, body, call.login, via_app=call.via_app)
    call.repo.issues[made.number] = made
    tell(call, made, "opened")
    if call.has_role("triage"):
        set_labels(call, made, _names(call.maybe("labels", list) or []))
        set_assignees(call, made, call.maybe("assignees", list) or [])
    return Reply(201, shapes.closed_issue(call.view, call.repo, made))


def _may_edit(call: Call, issue: Issue) -> None:
    if issue.user != call.login and not call.has_role("triage"):
        raise Refusal(403, "Must have admin rights to Repository.")


@route("PATCH", f"{REPO}/issues/{{issue_number}}", needs=WRITE)
def edit(call: Call) -> Reply:
    target = call.issue()
    _may_edit(call, target)
    edit_text(call, target)
    state = call.maybe("state", str)
    if state is not None and state not in ("open", "closed"):
        raise invalid("Issue", "state")
    if state is not None:
        set_state(call, target, state, call.maybe("state_reason", str))
    if call.has_role("triage"):
        if (labels := call.maybe("labels", list)) is not None:
            set_labels(call, target, _names(labels))
        if (assignees := call.maybe("assignees", list)) is not None:
            set_assignees(call, target, assignees)
    return Reply(200, shapes.closed_issue(call.view, call.repo, target))


def edit_text(call: Call, target: Issue) -> None:
    """Title and body, with `edited` when something changed."""
    title, body = call.maybe("title", str), call.maybe("body", str)
    check_body(body, "Issue")
    before: Json = {}
    if title is not None and title != target.title:
        before["title"], target.title = {"from": target.title}, title
    if body is not None and body != target.body:
        before["body"], target.body = {"from": target.body or ""}, body
    if before:
        target.updated_at = now()
        tell(call, target, "edited", {"changes": before})


def set_state(call: Call, target: Issue, state: str, reason: str | None = None) -> None:
    if state == target.state:
        return
    target.updated_at = now()
    if state == "closed":
        target.state, target.closed_at, target.closed_by = "closed", now(), call.login
        target.state_reason = None if target.is_pull else reason or "completed"
    else:
        target.state, target.closed_at, target.closed_by = "open", None, None
        target.state_reason = None if target.is_pull else "reopened"
    target.timeline.append(Happening(call.login, "closed this" if state == "closed" else "reopened this"))
    tell(call, target, "closed" if state == "closed" else "reopened")


def _names(labels: list[object]) -> list[str]:
    return [str(one.get("name")) if isinstance(one, dict) else str(one) for one in labels]


def set_labels(call: Call, target: Issue, wanted: list[str]) -> None:
    """Makes the issue carry exactly these labels; names that the repository lacks are made, as GitHub does."""
    for name in [n for n in target.labels if n not in wanted]:
        remove_label(call, target, name)
    for name in wanted:
        put_label(call, target, name)


def put_label(call: Call, target: Issue, name: str) -> None:
    if name in target.labels:
        return
    repo = call.repo
    label = repo.labels.get(name) or add_label(call, name)
    target.labels.append(name)
    target.updated_at = now()
    target.timeline.append(Happening(call.login, f"added the label {name}"))
    tell(call, target, "labeled", {"label": lambda view: repositories.label(view, repo, label)})


def remove_label(call: Call, target: Issue, name: str) -> None:
    repo = call.repo
    label = repo.labels[name]
    target.labels.remove(name)
    target.updated_at = now()
    target.timeline.append(Happening(call.login, f"removed the label {name}"))
    tell(call, target, "unlabeled", {"label": lambda view: repositories.label(view, repo, label)})


def set_assignees(call: Call, target: Issue, wanted: list[str]) -> None:
    for login in [one for one in target.assignees if one not in wanted]:
        unassign(call, target, login)
    assign(call, target, wanted)


def assign(call: Call, target: Issue, logins: list[str]) -> None:
    """Adds assignees; logins that cannot be assigned are dropped without a word, as on GitHub."""
    for wanted in logins:
        if not call.world.assignable(call.repo, wanted) or len(target.assignees) >= MOST_ASSIGNEES:
            continue
        login = call.world.user(wanted).login
        if login not in target.assignees:
            target.assignees.append(login)
            target.updated_at = now()
            target.timeline.append(Happening(call.login, f"assigned {login}"))
            tell(call, target, "assigned", {"assignee": _drawn(login)})


def unassign(call: Call, target: Issue, login: str) -> None:
    target.assignees.remove(login)
    target.updated_at = now()
    target.timeline.append(Happening(call.login, f"unassigned {login}"))
    tell(call, target, "unassigned", {"assignee": _drawn(login)})


def _drawn(login: str) -> object:
    return lambda view: people.user(view, login)


@route("POST", f"{REPO}/issues/{{issue_number}}/assignees", needs=WRITE, role="triage")
def add_assignees(call: Call) -> Reply:
    target = call.issue()
    assign(call, target, [str(login) for login in call.maybe("assignees", list) or []])
    return Reply(201, shapes.issue(call.view, call.repo, target))


@route("DELETE", f"{REPO}/issues/{{issue_number}}/assignees", needs=WRITE, role="triage")
def remove_assignees(call: Call) -> Reply:
    target = call.issue()
    for login in call.maybe("assignees", list) or []:
        if login in target.assignees:
            unassign(call, target, login)
    return Reply(200, shapes.issue(call.view, call.repo, target))


def _labels(call: Call, target: Issue) -> list[Json]:
    return [repositories.label(call.view, call.repo, call.repo.labels[name]) for name in target.labels]


@route("GET", f"{REPO}/issues/{{issue_number}}/labels", needs=READ)
def labels(call: Call) -> Reply:
    return page(call, _labels(call, call.issue()), lambda drawn: drawn)


@route("POST", f"{REPO}/issues/{{issue_number}}/labels", needs=WRITE, role="triage")
def add_labels(call: Call) -> Reply:
    target = call.issue()
    given = call.body if isinstance(call.body, list) else call.maybe("labels", list) or []
    for name in _names(given):
        put_label(call, target, name)
    return Reply(200, _labels(call, target))


@route("DELETE", f"{REPO}/issues/{{issue_number}}/labels/{{name}}", needs=WRITE, role="triage")
def take_label(call: Call) -> Reply:
    target = call.issue()
    if call.params["name"] not in target.labels:
        raise Refusal(404, "Label does not exist")
    remove_label(call, target, call.params["name"])
    return Reply(200, _labels(call, target))
