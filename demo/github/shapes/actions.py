"""Workflow runs and their jobs."""

from demo.github import git
from demo.github.clock import maybe_stamp, stamp
from demo.github.records import Job, Repository, WorkflowRun
from demo.github.shapes.commit import simple_commit
from demo.github.shapes.people import user
from demo.github.shapes.pull import minimal_pull, open_pulls_at
from demo.github.shapes.repository import html_url, minimal_repository, url
from demo.github.view import Json, View, node_id


def workflow_run(view: View, repository: Repository, record: WorkflowRun) -> Json:
    """`workflow-run`."""
    own = f"{url(view, repository)}/actions/runs/{record.id}"
    repo = minimal_repository(view, repository)
    actor = user(view, record.actor)
    return {
        "id": record.id,
        "name": record.name,
        "node_id": node_id("WFR", record.id),
        "head_branch": record.head_branch,
        "head_sha": record.head_sha,
        "path": record.path,
        "display_title": record.title,
        "run_number": record.number,
        "event": record.event,
        "status": record.status,
        "conclusion": record.conclusion,
        "workflow_id": record.workflow_id,
        "check_suite_id": record.suite_id,
        "check_suite_node_id": node_id("CS", record.suite_id),
        "url": own,
        "html_url": f"{html_url(view, repository)}/actions/runs/{record.id}",
        "pull_requests": [minimal_pull(view, repository, p) for p in open_pulls_at(repository, record.head_sha)],
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "actor": actor,
        "run_attempt": 1,
        "referenced_workflows": [],
        "run_started_at": stamp(record.created_at),
        "triggering_actor": actor,
        "jobs_url": f"{own}/jobs",
        "logs_url": f"{own}/logs",
        "check_suite_url": f"{url(view, repository)}/check-suites/{record.suite_id}",
        "artifacts_url": f"{own}/artifacts",
        "cancel_url": f"{own}/cancel",
        "rerun_url": f"{own}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{url(view, repository)}/actions/workflows/{record.workflow_id}",
        "head_commit": simple_commit(git.commit(repository.path, record.head_sha)),
        "repository": repo,
        "head_repository": repo,
    }


def workflow(view: View, repository: Repository, record: WorkflowRun) -> Json:
    """The workflow of a `workflow_run` event."""
    page = html_url(view, repository)
    return {
        "id": record.workflow_id,
        "node_id": node_id("W", record.workflow_id),
        "name": record.name,
        "path": record.path,
        "state": "active",
        "created_at": stamp(repository.created_at),
        "updated_at": stamp(repository.created_at),
        "url": f"{url(view, repository)}/actions/workflows/{record.workflow_id}",
        "html_url": f"{page}/blob/{repository.default_branch}/{record.path}",
        "badge_url": f"{page}/workflows/{record.workflow_id}/badge.svg",
    }


def job(view: View, repository: Repository, run: WorkflowRun, record: Job) -> Json:
    """`job`."""
    own = f"{url(view, repository)}/actions"
    return {
        "id": record.id,
        "run_id": run.id,
        "run_url": f"{own}/runs/{run.id}",
        "node_id": node_id("CR", record.id),
        "head_sha": run.head_sha,
        "url": f"{own}/jobs/{record.id}",
        "html_url": f"{html_url(view, repository)}/runs/{record.id}",
        "status": record.status,
        "conclusion": record.conclusion,
        "created_at": stamp(record.created_at),
        "started_at": stamp(record.started_at),
        "completed_at": maybe_stamp(record.completed_at),
        "name": record.name,
        "steps": [
            {
                "name": step.name,
                "status": step.status,
                "conclusion": step.conclusion,
                "number": step.number,
                "started_at": maybe_stamp(step.started_at),
                "completed_at": maybe_stamp(step.completed_at),
            }
            for step in record.steps
        ],
        "check_run_url": f"{url(view, repository)}/check-runs/{record.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "twin",
        "runner_group_id": 1,
        "runner_group_name": "twin",
        "run_attempt": 1,
        "workflow_name": run.name,
        "head_branch": run.head_branch,
    }
