"""GitHub Actions, as far as the twin has it: workflow files of the pushed commit become runs, jobs and check runs."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from demo.github import git
from demo.github.checkflow import announce
from demo.github.clock import now
from demo.github.events import Courier
from demo.github.records import CheckRun, CheckSuite, Job, Pull, Repository, Step, WorkflowRun
from demo.github.runner import Runner, StepResult
from demo.github.shapes import actions
from demo.github.workflow import Job as JobSpec
from demo.github.workflow import Workflow, WorkflowInvalid, parse
from demo.github.world import ACTIONS_APP_ID, World

FOLDER = ".github/workflows"
BOT = "github-actions[bot]"


class Ci:
    """Starts workflow runs and carries them to their end on `workers` threads. Public methods want the world's lock.

    A run for a pull request tests the head commit itself; GitHub would test its merge with the base.
    """

    def __init__(self, world: World, courier: Courier, workers: int = 2) -> None:
        self.world = world
        self.courier = courier
        self.enabled = True
        self._runner = Runner()
        self._pool = ThreadPoolExecutor(workers, "twin-ci")
        self._plans: dict[int, Workflow] = {}
        self._taken: set[int] = set()

    def stop(self) -> None:
        """Kills running jobs and waits for the threads."""
        self._runner.stop()
        self._pool.shutdown(cancel_futures=True)

    def branch_pushed(self, repository: Repository, branch: str, sha: str, actor: str) -> None:
        """Starts the workflows of `sha` that listen to pushes on `branch`."""
        for workflow in self._workflows(repository, sha):
            if workflow.starts_on_push(branch):
                self._start(repository, workflow, "push", sha, branch, actor)

    def pull_changed(self, repository: Repository, pull: Pull, actor: str, action: str = "synchronize") -> None:
        """Starts the workflows of the pull request's head that listen to pull requests into its base."""
        for workflow in self._workflows(repository, pull.head_sha):
            if workflow.starts_on_pull_request(pull.base, action):
                self._start(repository, workflow, "pull_request", pull.head_sha, pull.head, actor)

    def rerun(self, repository: Repository, check: CheckRun, actor: str) -> None:
        """Runs the workflow behind one of its check runs again, on the same commit and in the same suite."""
        first = next(run for run in repository.workflow_runs.values() if run.suite_id == check.suite_id)
        plan = self._plans[first.id]
        suite = repository.suites[check.suite_id]
        self._start(repository, plan, first.event, first.head_sha, first.head_branch, actor, suite)

    def _workflows(self, repository: Repository, sha: str) -> list[Workflow]:
        if not self.enabled:
            return []
        listing = git.text(repository.path, "ls-tree", "--name-only", sha, f"{FOLDER}/").splitlines()
        found = []
        for path in listing:
            if not path.endswith((".yml", ".yaml")):
                continue
            try:
                found.append(parse(path, git.run(repository.path, "cat-file", "blob", f"{sha}:{path}")))
            except WorkflowInvalid as problem:
                self._reject(repository, sha, path, str(problem))
        return found

    def _reject(self, repository: Repository, sha: str, path: str, problem: str) -> None:
        """A file that is no workflow shows as a failed check, so that nobody waits for it."""
        suite = CheckSuite(self.world.next_id(), ACTIONS_APP_ID, sha, None, None, sha)
        repository.suites[suite.id] = suite
        check = CheckRun(self.world.next_id(), suite.id, ACTIONS_APP_ID, path, sha, "completed", "failure")
        check.started_at = check.completed_at = now()
        check.title, check.summary = "Invalid workflow file", problem
        repository.check_runs[check.id] = check
        announce(self.courier, repository, check, "completed", BOT)

    def _start(
        self,
        repository: Repository,
        workflow: Workflow,
        event: str,
        sha: str,
        branch: str,
        actor: str,
        suite: CheckSuite | None = None,
    ) -> None:
        if suite is None:
            suite = CheckSuite(self.world.next_id(), ACTIONS_APP_ID, sha, branch, None, sha)
            repository.suites[suite.id] = suite
        title = git.commit(repository.path, sha).message.partition("\n")[0]
        run = WorkflowRun(
            self.world.next_id(),
            len(repository.workflow_runs) + 1,
            sum(map(ord, workflow.path)),
            workflow.name,
            workflow.path,
            event,
            sha,
            branch,
            suite.id,
            actor,
            title,
        )
        repository.workflow_runs[run.id] = run
        self._plans[run.id] = workflow
        self._tell(repository, run, "requested")
        for spec in workflow.jobs:
            steps = [Step(step.name, number) for number, step in enumerate(spec.steps, 1)]
            job = Job(self.world.next_id(), run.id, spec.key, spec.name, steps=steps)
            run.jobs.append(job)
            check = CheckRun(job.id, suite.id, ACTIONS_APP_ID, spec.name, sha, external_id=str(uuid.uuid4()))
            check.started_at = now()
            repository.check_runs[check.id] = check
            announce(self.courier, repository, check, "created", BOT)
        run.status = "in_progress"
        self._tell(repository, run, "in_progress")
        self._advance(repository, run)

    def _tell(self, repository: Repository, run: WorkflowRun, action: str) -> None:
        run.updated_at = now()
        self.courier.emit(
            "workflow_run",
            action,
            repository,
            run.actor,
            lambda view: {
                "workflow_run": actions.workflow_run(view, repository, run),
                "workflow": actions.workflow(view, repository, run),
            },
        )

    def _advance(self, repository: Repository, run: WorkflowRun) -> None:
        """Hands out the jobs whose needs are met, skips those whose needs failed, ends the run after its last job."""
        plan = self._plans[run.id]
        by_key = {job.key: job for job in run.jobs}
        moved = True
        while moved:
            moved = False
            for job, spec in zip(run.jobs, plan.jobs, strict=True):
                needs = [by_key[key] for key in spec.needs]
                if job.id in self._taken or any(need.status != "completed" for need in needs):
                    continue
                self._taken.add(job.id)
                if any(need.conclusion != "success" for need in needs):
                    self._finish(repository, run, job, "skipped", [])
                    moved = True
                else:
                    self._pool.submit(self._work, repository, run, job)
        if run.status != "completed" and all(job.status == "completed" for job in run.jobs):
            conclusions = {job.conclusion for job in run.jobs}
            worst = ("failure", "cancelled", "success", "skipped")
            run.status, run.conclusion = "completed", next(c for c in worst if c in conclusions)
            self._tell(repository, run, "completed")

    def _work(self, repository: Repository, run: WorkflowRun, job: Job) -> None:
        """One job, on a thread of the pool."""
        spec = next(spec for spec in self._plans[run.id].jobs if spec.key == job.key)
        with self.world.lock:
            job.status, job.started_at = "in_progress", now()
            repository.check_runs[job.id].status = "in_progress"
        context = {
            "GITHUB_SHA": run.head_sha,
            "GITHUB_REF_NAME": run.head_branch,
            "GITHUB_REPOSITORY": repository.full_name,
            "GITHUB_EVENT_NAME": run.event,
            "GITHUB_JOB": job.key,
            "GITHUB_RUN_ID": str(run.id),
        }
        found, failed = self._carry_out(repository, run, job, spec, context)
        with self.world.lock:
            self._finish(repository, run, job, "failure" if failed else "success", found)
            self._advance(repository, run)

    def _carry_out(
        self, repository: Repository, run: WorkflowRun, job: Job, spec: JobSpec, context: dict[str, str]
    ) -> tuple[list[dict[str, object]], bool]:
        """Runs the job's steps; its annotations, and whether it failed."""
        if spec.unsupported is not None:
            problem = f"This runner does not support {spec.unsupported}."
        else:
            try:
                found = self._runner.run(spec, repository.path, context, lambda n, result: self._note(job, n, result))
                return found, any(step.conclusion == "failure" for step in job.steps)
            except OSError as error:  # no bash, no space: the job fails saying so instead of hanging for ever
                problem = f"The runner could not run this job: {error}"
        job.log += f"{problem}\n"
        place = {"path": run.path, "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": problem}
        return [place], True

    def _note(self, job: Job, number: int, result: StepResult | None) -> None:
        with self.world.lock:
            step = job.steps[number - 1]
            if result is None:
                step.status, step.started_at = "in_progress", now()
                job.log += f"##[group]{step.name}\n"
                return
            step.status, step.completed_at = "completed", now()
            step.conclusion = "success" if result.exit_code == 0 else "failure"
            job.log += result.output if result.output.endswith("\n") or not result.output else f"{result.output}\n"
            job.log += "##[endgroup]\n"
            if result.exit_code != 0:
                said = (
                    "The operation was canceled."
                    if result.exit_code is None
                    else (f"Process completed with exit code {result.exit_code}.")
                )
                job.log += f"##[error]{said}\n"

    def _finish(
        self, repository: Repository, run: WorkflowRun, job: Job, conclusion: str, found: list[dict[str, object]]
    ) -> None:
        for step in job.steps:
            if step.status != "completed":
                step.status, step.conclusion = "completed", "skipped"
        job.status, job.conclusion, job.completed_at = "completed", conclusion, now()
        check = repository.check_runs[job.id]
        check.status, check.conclusion, check.completed_at = "completed", conclusion, now()
        check.annotations = list(found)
        announce(self.courier, repository, check, "completed", BOT)
