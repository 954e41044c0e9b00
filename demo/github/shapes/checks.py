"""Check suites, check runs, annotations and commit statuses."""

from demo.github import git
from demo.github.clock import maybe_stamp, stamp
from demo.github.records import CheckRun, CheckSuite, CommitStatus, Repository
from demo.github.shapes.commit import simple_commit
from demo.github.shapes.people import app, user
from demo.github.shapes.pull import minimal_pull, open_pulls_at
from demo.github.shapes.repository import html_url, minimal_repository, url
from demo.github.view import Json, View, node_id

_WORST = ("startup_failure", "failure", "timed_out", "cancelled", "action_required", "stale")


def suite_runs(repository: Repository, suite: CheckSuite) -> list[CheckRun]:
    return [run for run in repository.check_runs.values() if run.suite_id == suite.id]


def latest_runs(runs: list[CheckRun]) -> list[CheckRun]:
    """The newest run of each (app, suite, name): what `filter=latest` means."""
    newest = {(run.app_id, run.suite_id, run.name): run for run in sorted(runs, key=lambda run: run.id)}
    return list(newest.values())


def suite_verdict(repository: Repository, suite: CheckSuite) -> tuple[str, str | None]:
    """Status and conclusion of a suite, which follow from its runs."""
    runs = latest_runs(suite_runs(repository, suite))
    if not runs or suite.requeued:
        return "queued", None
    if any(run.status != "completed" for run in runs):
        return ("in_progress" if any(run.status != "queued" for run in runs) else "queued"), None
    conclusions = {run.conclusion for run in runs}
    for bad in _WORST:
        if bad in conclusions:
            return "completed", bad
    return "completed", "success" if "success" in conclusions else next(iter(conclusions))


def check_run(view: View, repository: Repository, record: CheckRun) -> Json:
    """`check-run`."""
    own = f"{url(view, repository)}/check-runs/{record.id}"
    page = f"{html_url(view, repository)}/runs/{record.id}"
    return {
        "id": record.id,
        "name": record.name,
        "node_id": node_id("CR", record.id),
        "head_sha": record.head_sha,
        "external_id": record.external_id,
        "url": own,
        "html_url": page,
        "details_url": record.details_url or page,
        "status": record.status,
        "conclusion": record.conclusion,
        "started_at": maybe_stamp(record.started_at),
        "completed_at": maybe_stamp(record.completed_at),
        "output": {
            "title": record.title,
            "summary": record.summary,
            "text": record.text,
            "annotations_count": len(record.annotations),
            "annotations_url": f"{own}/annotations",
        },
        "check_suite": {"id": record.suite_id},
        "app": app(view, view.world.apps[record.app_id]),
        "pull_requests": [minimal_pull(view, repository, p) for p in open_pulls_at(repository, record.head_sha)],
    }


def webhook_check_run(view: View, repository: Repository, record: CheckRun) -> Json:
    """`check-run-with-simple-check-suite`."""
    suite = repository.suites[record.suite_id]
    status, conclusion = suite_verdict(repository, suite)
    pulls = [minimal_pull(view, repository, p) for p in open_pulls_at(repository, record.head_sha)]
    application = app(view, view.world.apps[record.app_id])
    return {
        **check_run(view, repository, record),
        "started_at": stamp(record.started_at or suite.created_at),
        "check_suite": {
            "id": suite.id,
            "node_id": node_id("CS", suite.id),
            "head_branch": suite.head_branch,
            "head_sha": suite.head_sha,
            "status": status,
            "conclusion": conclusion,
            "url": f"{url(view, repository)}/check-suites/{suite.id}",
            "before": suite.before,
            "after": suite.after,
            "pull_requests": pulls,
            "app": application,
            "created_at": stamp(suite.created_at),
            "updated_at": stamp(suite.updated_at),
        },
    }


def check_suite(view: View, repository: Repository, suite: CheckSuite) -> Json:
    """`check-suite`."""
    own = f"{url(view, repository)}/check-suites/{suite.id}"
    status, conclusion = suite_verdict(repository, suite)
    return {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": own,
        "before": suite.before,
        "after": suite.after,
        "pull_requests": [minimal_pull(view, repository, p) for p in open_pulls_at(repository, suite.head_sha)],
        "app": app(view, view.world.apps[suite.app_id]),
        "repository": minimal_repository(view, repository),
        "created_at": stamp(suite.created_at),
        "updated_at": stamp(suite.updated_at),
        "head_commit": simple_commit(git.commit(repository.path, suite.head_sha)),
        "latest_check_runs_count": len(latest_runs(suite_runs(repository, suite))),
        "check_runs_url": f"{own}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def annotation(view: View, repository: Repository, record: CheckRun, one: Json) -> Json:
    """`check-annotation`."""
    return {
        "path": one["path"],
        "blob_href": f"{html_url(view, repository)}/blob/{record.head_sha}/{one['path']}",
        "start_line": one["start_line"],
        "start_column": one.get("start_column"),
        "end_line": one["end_line"],
        "end_column": one.get("end_column"),
        "annotation_level": one["annotation_level"],
        "title": one.get("title"),
        "message": one["message"],
        "raw_details": one.get("raw_details"),
    }


def status(view: View, repository: Repository, record: CommitStatus) -> Json:
    """`status`."""
    account = user(view, record.creator)
    return {
        "url": f"{url(view, repository)}/statuses/{record.sha}",
        "avatar_url": account["avatar_url"],
        "id": record.id,
        "node_id": node_id("SC", record.id),
        "state": record.state,
        "description": record.description,
        "target_url": record.target_url,
        "context": record.context,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
        "creator": account,
    }


def latest_statuses(repository: Repository, sha: str) -> list[CommitStatus]:
    """The newest status of each context."""
    return list({record.context: record for record in repository.statuses if record.sha == sha}.values())


def combined_status(view: View, repository: Repository, sha: str) -> Json:
    """`combined-commit-status`: `pending` also when nothing was reported, as on GitHub."""
    latest = latest_statuses(repository, sha)
    states = {record.state for record in latest}
    if states & {"failure", "error"}:
        state = "failure"
    elif not states or "pending" in states:
        state = "pending"
    else:
        state = "success"
    drawn = []
    for record in latest:
        one = status(view, repository, record)
        del one["creator"]
        drawn.append({**one, "required": None})
    return {
        "state": state,
        "statuses": drawn,
        "sha": sha,
        "total_count": len(latest),
        "repository": minimal_repository(view, repository),
        "commit_url": f"{url(view, repository)}/commits/{sha}",
        "url": f"{url(view, repository)}/commits/{sha}/status",
    }
