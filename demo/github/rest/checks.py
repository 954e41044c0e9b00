"""Check runs and suites, with GitHub's limits. https://docs.github.com/rest/checks"""

from datetime import datetime

from demo.github.checkflow import announce, emit_suite, open_suite
from demo.github.clock import now
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.records import CheckRun, CheckSuite
from demo.github.rest.repositories import REPO
from demo.github.rest.statuses import resolve
from demo.github.routing import Call, Reply, route
from demo.github.shapes import checks as shapes
from demo.github.view import Json
from demo.github.world import ACTIONS_APP_ID

READ, WRITE = "checks:read", "checks:write"
LONGEST_OUTPUT = 65535
MOST_ANNOTATIONS = 50
MOST_ACTIONS = 3
ACTION_LIMITS = {"label": 20, "description": 40, "identifier": 20}
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
LEVELS = ("notice", "warning", "failure")


def _run(call: Call) -> CheckRun:
    found = call.repo.check_runs.get(call.number("check_run_id"))
    if found is None:
        raise not_found()
    return found


def _suite(call: Call) -> CheckSuite:
    found = call.repo.suites.get(call.number("check_suite_id"))
    if found is None:
        raise not_found()
    return found


def _own_app(call: Call) -> int:
    if call.actor.kind != "installation" or call.actor.app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    return call.actor.app.id


def _too_long(name: str, limit: int) -> Refusal:
    return Refusal(422, f"Invalid request.\n\nOnly {limit} characters are allowed; {name} is longer.")


def _moment(call: Call, name: str) -> datetime | None:
    text = call.maybe(name, str)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(microsecond=0)
    except ValueError:
        raise invalid("CheckRun", name) from None


def _apply(call: Call, run: CheckRun) -> None:
    """Checks every limit first, then writes the body's fields to the run."""
    status, conclusion = call.maybe("status", str), call.maybe("conclusion", str)
    if status is not None and status not in STATUSES:
        raise invalid("CheckRun", "status")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise invalid("CheckRun", "conclusion")
    if status == "completed" and conclusion is None and run.conclusion is None:
        raise Refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
    output, actions = call.maybe("output", dict), call.maybe("actions", list)
    annotations = _checked_output(output) if output is not None else []
    if actions is not None:
        run.actions = _checked_actions(actions)
    if output is not None:
        run.title, run.summary = output.get("title", run.title), output.get("summary", run.summary)
        run.text = output.get("text", run.text)
        run.annotations += annotations
    run.external_id = call.maybe("external_id", str) or run.external_id
    run.details_url = call.maybe("details_url", str) or run.details_url
    run.started_at = _moment(call, "started_at") or run.started_at or now()
    run.name = call.maybe("name", str) or run.name
    if conclusion is not None or status == "completed":
        run.status, run.conclusion = "completed", conclusion or run.conclusion
        run.completed_at = _moment(call, "completed_at") or now()
    elif status is not None:
        run.status, run.conclusion, run.completed_at = status, None, None


def _checked_output(output: Json) -> list[Json]:
    for name in ("title", "summary", "text"):
        if isinstance(output.get(name), str) and len(output[name]) > LONGEST_OUTPUT:
            raise _too_long(f"output.{name}", LONGEST_OUTPUT)
    if not isinstance(output.get("summary"), str):
        raise Refusal(422, 'Invalid request.\n\n"summary" wasn\'t supplied.')
    annotations = output.get("annotations") or []
    if len(annotations) > MOST_ANNOTATIONS:
        raise Refusal(
            422,
            f"Invalid request.\n\nNo more than {MOST_ANNOTATIONS} items are allowed; {len(annotations)} were supplied.",
        )
    for one in annotations:
        for name in ("path", "start_line", "end_line", "annotation_level", "message"):
            if name not in one:
                raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        if one["annotation_level"] not in LEVELS:
            raise invalid("CheckRun", "annotations")
    return list(annotations)


def _checked_actions(actions: list[Json]) -> list[dict[str, str]]:
    if len(actions) > MOST_ACTIONS:
        raise Refusal(
            422, f"Invalid request.\n\nNo more than {MOST_ACTIONS} items are allowed; {len(actions)} were supplied."
        )
    for action in actions:
        for name, limit in ACTION_LIMITS.items():
            if not isinstance(action.get(name), str):
                raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
            if len(action[name]) > limit:
                raise _too_long(f"actions.{name}", limit)
    return [{name: str(action[name]) for name in ACTION_LIMITS} for action in actions]


@route("POST", f"{REPO}/check-runs", needs=WRITE)
def create(call: Call) -> Reply:
    app_id = _own_app(call)
    name, sha = call.field("name", str, "CheckRun"), call.field("head_sha", str, "CheckRun")
    call.params = {**call.params, "sha": sha}
    sha = resolve(call, "sha")
    made = CheckRun(call.world.next_id(), 0, app_id, name, sha)
    _apply(call, made)
    suite = open_suite(call.world, call.repo, app_id, sha, None)
    made.suite_id = suite.id
    call.repo.check_runs[made.id] = made
    announce(call.courier, call.repo, made, "created", call.login)
    if made.status == "completed":
        announce(call.courier, call.repo, made, "completed", call.login)
    return Reply(201, shapes.check_run(call.view, call.repo, made))


@route("PATCH", f"{REPO}/check-runs/{{check_run_id}}", needs=WRITE)
def update(call: Call) -> Reply:
    run = _run(call)
    if run.app_id != _own_app(call):
        said = "check run can only be modified by the GitHub App that created it."
        raise Refusal(403, f"Invalid app_id `{_own_app(call)}` - {said}")
    was_completed = run.status == "completed"
    _apply(call, run)
    if run.status == "completed" and not was_completed:
        announce(call.courier, call.repo, run, "completed", call.login)
    return Reply(200, shapes.check_run(call.view, call.repo, run))


@route("GET", f"{REPO}/check-runs/{{check_run_id}}", needs=READ)
def check_run(call: Call) -> Reply:
    return Reply(200, shapes.check_run(call.view, call.repo, _run(call)))


@route("GET", f"{REPO}/check-runs/{{check_run_id}}/annotations", needs=READ)
def annotations(call: Call) -> Reply:
    run = _run(call)
    return page(call, run.annotations, lambda one: shapes.annotation(call.view, call.repo, run, one))


@route("POST", f"{REPO}/check-runs/{{check_run_id}}/rerequest", needs=WRITE, role="write")
def rerequest(call: Call) -> Reply:
    """Asks the run's App to run it again: the suite goes back to queued, the run itself stays as it is."""
    run = _run(call)
    repo = call.repo
    if run.app_id == ACTIONS_APP_ID:
        call.ci.rerun(repo, run, call.login)
        return Reply(201, {})
    repo.suites[run.suite_id].requeued = True
    call.courier.emit(
        "check_run",
        "rerequested",
        repo,
        call.login,
        lambda view: {"check_run": shapes.webhook_check_run(view, repo, run)},
        run.app_id,
    )
    return Reply(201, {})


def press(call: Call, run: CheckRun, identifier: str) -> None:
    """A person pressed a button of a check run: tells its App alone. Needs write access, as on GitHub."""
    if not call.has_role("write"):
        raise Refusal(403, "Must have push access to repository.")
    if run.status != "completed" or identifier not in {action["identifier"] for action in run.actions}:
        raise not_found()
    repo = call.repo
    call.courier.emit(
        "check_run",
        "requested_action",
        repo,
        call.login,
        lambda view: {
            "check_run": shapes.webhook_check_run(view, repo, run),
            "requested_action": {"identifier": identifier},
        },
        run.app_id,
    )


def _filtered(call: Call, runs: list[CheckRun]) -> list[CheckRun]:
    if call.query.get("filter", "latest") == "latest":
        runs = shapes.latest_runs(runs)
    for name in ("check_name", "status", "app_id"):
        wanted = call.query.get(name)
        if wanted is not None:
            runs = [run for run in runs if str(getattr(run, "name" if name == "check_name" else name)) == wanted]
    return runs


@route("GET", f"{REPO}/commits/{{ref}}/check-runs", needs=READ)
def for_ref(call: Call) -> Reply:
    sha = resolve(call)
    runs = _filtered(call, [run for run in call.repo.check_runs.values() if run.head_sha == sha])
    return page(call, runs, lambda one: shapes.check_run(call.view, call.repo, one), wrap="check_runs")


@route("GET", f"{REPO}/commits/{{ref}}/check-suites", needs=READ)
def suites_for_ref(call: Call) -> Reply:
    sha = resolve(call)
    suites = [one for one in call.repo.suites.values() if one.head_sha == sha]
    if (app_id := call.query.get("app_id")) is not None:
        suites = [one for one in suites if str(one.app_id) == app_id]
    return page(call, suites, lambda one: shapes.check_suite(call.view, call.repo, one), wrap="check_suites")


@route("GET", f"{REPO}/check-suites/{{check_suite_id}}", needs=READ)
def suite(call: Call) -> Reply:
    return Reply(200, shapes.check_suite(call.view, call.repo, _suite(call)))


@route("GET", f"{REPO}/check-suites/{{check_suite_id}}/check-runs", needs=READ)
def suite_runs(call: Call) -> Reply:
    runs = _filtered(call, shapes.suite_runs(call.repo, _suite(call)))
    return page(call, runs, lambda one: shapes.check_run(call.view, call.repo, one), wrap="check_runs")


@route("POST", f"{REPO}/check-suites/{{check_suite_id}}/rerequest", needs=WRITE, role="write")
def rerequest_suite(call: Call) -> Reply:
    found = _suite(call)
    found.requeued = True
    emit_suite(call.courier, call.repo, found, "rerequested", call.login, found.app_id)
    return Reply(201, {})
