"""What follows from a check run's change: suites opened and closed, and the events about them."""

from demo.github.clock import now
from demo.github.events import Courier
from demo.github.records import CheckRun, CheckSuite, Repository
from demo.github.shapes import checks
from demo.github.world import World


def open_suite(
    world: World, repository: Repository, app_id: int, sha: str, branch: str | None, before: str | None = None
) -> CheckSuite:
    """The App's suite of a commit, made when it is not there yet: one suite per App and commit."""
    for suite in repository.suites.values():
        if suite.app_id == app_id and suite.head_sha == sha:
            return suite
    suite = CheckSuite(world.next_id(), app_id, sha, branch, before, sha)
    repository.suites[suite.id] = suite
    return suite


def announce(courier: Courier, repository: Repository, run: CheckRun, action: str, sender: str) -> None:
    """Tells `check_run.created` or `.completed`, and `check_suite.completed` after the suite's last open run."""
    run_id = run.id
    courier.emit(
        "check_run",
        action,
        repository,
        sender,
        lambda view: {"check_run": checks.webhook_check_run(view, repository, repository.check_runs[run_id])},
    )
    suite = repository.suites[run.suite_id]
    suite.requeued = False
    suite.updated_at = now()
    status, _ = checks.suite_verdict(repository, suite)
    finished = tuple(sorted(r.id for r in checks.suite_runs(repository, suite)))
    if status == "completed" and run.status == "completed" and suite.announced != finished:
        suite.announced = finished
        emit_suite(courier, repository, suite, "completed", sender)


def emit_suite(
    courier: Courier, repository: Repository, suite: CheckSuite, action: str, sender: str, only_app: int | None = None
) -> None:
    courier.emit(
        "check_suite",
        action,
        repository,
        sender,
        lambda view: {"check_suite": checks.check_suite(view, repository, suite)},
        only_app,
    )


def request_suites(courier: Courier, repository: Repository, sha: str, branch: str, before: str, sender: str) -> None:
    """After a push, a suite for every App that may write checks, and `check_suite.requested` to that App alone."""
    for installation in list(courier.world.installations_on(repository)):
        if installation.permissions.get("checks") == "write":
            suite = open_suite(courier.world, repository, installation.app_id, sha, branch, before)
            emit_suite(courier, repository, suite, "requested", sender, installation.app_id)
