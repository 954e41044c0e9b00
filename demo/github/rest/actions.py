"""Workflow runs, jobs and their logs. https://docs.github.com/rest/actions"""

from demo.github.errors import not_found
from demo.github.paging import page
from demo.github.records import Job, WorkflowRun
from demo.github.rest.repositories import REPO
from demo.github.routing import Call, Reply, route
from demo.github.shapes import actions as shapes

READ = "actions:read"


def _run(call: Call) -> WorkflowRun:
    found = call.repo.workflow_runs.get(call.number("run_id"))
    if found is None:
        raise not_found()
    return found


def _job(call: Call) -> tuple[WorkflowRun, Job]:
    wanted = call.number("job_id")
    for run in call.repo.workflow_runs.values():
        for job in run.jobs:
            if job.id == wanted:
                return run, job
    raise not_found()


@route("GET", f"{REPO}/actions/runs", needs=READ)
def runs(call: Call) -> Reply:
    found = sorted(call.repo.workflow_runs.values(), key=lambda run: -run.id)
    for query, attribute in (
        ("head_sha", "head_sha"),
        ("branch", "head_branch"),
        ("event", "event"),
        ("actor", "actor"),
    ):
        wanted = call.query.get(query)
        if wanted is not None:
            found = [run for run in found if getattr(run, attribute) == wanted]
    wanted = call.query.get("status")
    if wanted is not None:
        found = [run for run in found if wanted in (run.status, run.conclusion)]
    return page(call, found, lambda run: shapes.workflow_run(call.view, call.repo, run), wrap="workflow_runs")


@route("GET", f"{REPO}/actions/runs/{{run_id}}", needs=READ)
def run(call: Call) -> Reply:
    return Reply(200, shapes.workflow_run(call.view, call.repo, _run(call)))


@route("GET", f"{REPO}/actions/runs/{{run_id}}/jobs", needs=READ)
def jobs(call: Call) -> Reply:
    found = _run(call)
    return page(call, found.jobs, lambda job: shapes.job(call.view, call.repo, found, job), wrap="jobs")


@route("GET", f"{REPO}/actions/jobs/{{job_id}}", needs=READ)
def job(call: Call) -> Reply:
    run_, found = _job(call)
    return Reply(200, shapes.job(call.view, call.repo, run_, found))


@route("GET", f"{REPO}/actions/jobs/{{job_id}}/logs", needs=READ)
def job_logs(call: Call) -> Reply:
    """Redirects to the plain text, as GitHub does; the link needs no token."""
    _, found = _job(call)
    return Reply(302, None, {"location": call.view.web(f"/_twin/logs/{found.id}.txt")})
