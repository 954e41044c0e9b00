"""GitHub Actions workflow files and workflow commands, read. Pure.

What is understood: `on` push and pull_request with branch filters, jobs with `needs`, `env` and `steps` of `run` or of
the two provided actions. Whatever else a job asks for is named in `Job.unsupported`, and the job fails saying so.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

PROVIDED = ("actions/checkout", "actions/setup-python")
_JOB_KEYS = frozenset({"name", "needs", "runs-on", "steps", "env", "timeout-minutes", "permissions"})
_STEP_KEYS = frozenset({"name", "id", "run", "uses", "with", "env", "working-directory", "shell", "timeout-minutes"})
_PULL_TYPES = ("opened", "synchronize", "reopened")
_COMMAND = re.compile(r"^::(error|warning|notice)(?: (.*?))?::(.*)$")
_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}
PER_STEP = 10  # GitHub keeps ten annotations of each level a step


class WorkflowInvalid(ValueError):
    """The file is no workflow; the text says what is wrong with it."""


@dataclass(frozen=True)
class Step:
    name: str
    run: str | None
    uses: str | None
    env: dict[str, str]
    directory: str | None


@dataclass(frozen=True)
class Job:
    key: str
    name: str
    needs: tuple[str, ...]
    env: dict[str, str]
    steps: tuple[Step, ...]
    timeout_s: float
    unsupported: str | None


@dataclass(frozen=True)
class Workflow:
    path: str
    name: str
    triggers: dict[str, dict[str, Any]]
    jobs: tuple[Job, ...]

    def starts_on_push(self, branch: str) -> bool:
        return "push" in self.triggers and _branch_wanted(self.triggers["push"], branch)

    def starts_on_pull_request(self, base: str, action: str) -> bool:
        wanted = self.triggers.get("pull_request")
        return wanted is not None and action in wanted.get("types", _PULL_TYPES) and _branch_wanted(wanted, base)


def parse(path: str, content: bytes) -> Workflow:
    """Reads one workflow file; WorkflowInvalid when it is not one."""
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise WorkflowInvalid(f"{path} is no YAML: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("jobs"), dict) or not data["jobs"]:
        raise WorkflowInvalid(f"{path} has no jobs")
    triggers = _triggers(path, data.get("on", data.get(True)))  # YAML 1.1 reads a bare `on` as true
    env = _env(data.get("env"))
    jobs = tuple(_job(path, str(key), body, env) for key, body in data["jobs"].items())
    names = {job.key for job in jobs}
    for job in jobs:
        if missing := [need for need in job.needs if need not in names]:
            raise WorkflowInvalid(f"{path}: job {job.key} needs {missing[0]}, which is no job of it")
    return Workflow(path, str(data.get("name") or path), triggers, jobs)


def _triggers(path: str, on: Any) -> dict[str, dict[str, Any]]:
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, list):
        return {str(event): {} for event in on}
    if isinstance(on, dict):
        return {str(event): body if isinstance(body, dict) else {} for event, body in on.items()}
    raise WorkflowInvalid(f"{path} says nothing under `on`")


def _branch_wanted(trigger: dict[str, Any], branch: str) -> bool:
    if "branches" in trigger:
        return any(fnmatchcase(branch, str(pattern)) for pattern in _listed(trigger["branches"]))
    return not any(fnmatchcase(branch, str(pattern)) for pattern in _listed(trigger.get("branches-ignore")))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _env(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _job(path: str, key: str, body: Any, outer: dict[str, str]) -> Job:
    if not isinstance(body, dict):
        raise WorkflowInvalid(f"{path}: job {key} is no mapping")
    steps_raw = body.get("steps")
    unsupported = _first_unknown(body, _JOB_KEYS)
    if not isinstance(steps_raw, list):
        steps_raw, unsupported = [], unsupported or "a job without steps"
    steps = []
    for number, step in enumerate(steps_raw, 1):
        if not isinstance(step, dict):
            raise WorkflowInvalid(f"{path}: step {number} of job {key} is no mapping")
        unsupported = unsupported or _unsupported_step(step)
        run, uses = step.get("run"), step.get("uses")
        name = step.get("name") or (f"Run {uses}" if uses else f"Run {str(run).splitlines()[0] if run else ''}")
        steps.append(Step(str(name), run, uses, _env(step.get("env")), step.get("working-directory")))
    return Job(
        key,
        str(body.get("name") or key),
        tuple(str(need) for need in _listed(body.get("needs"))),
        {**outer, **_env(body.get("env"))},
        tuple(steps),
        60.0 * float(body.get("timeout-minutes", 10)),
        unsupported,
    )


def _first_unknown(body: dict[Any, Any], known: frozenset[str]) -> str | None:
    return next((f"`{key}`" for key in body if key not in known), None)


def _unsupported_step(step: dict[Any, Any]) -> str | None:
    unknown = _first_unknown(step, _STEP_KEYS)
    uses = step.get("uses")
    if unknown is None and uses is not None and str(uses).partition("@")[0] not in PROVIDED:
        unknown = f"`uses: {uses}`"
    if unknown is None and step.get("shell", "bash") != "bash":
        unknown = f"`shell: {step['shell']}`"
    if unknown is None and "${{" in str(step.get("run", "")) + str(step.get("env", "")):
        unknown = "expressions (`${{ }}`)"
    return unknown


def annotations(output: str) -> list[dict[str, Any]]:
    """The annotations that a step's output asks for by workflow commands, ten of each level at most.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    found: list[dict[str, Any]] = []
    for line in output.splitlines():
        match = _COMMAND.match(line.strip())
        if match is None:
            continue
        level = _LEVELS[match[1]]
        if sum(1 for one in found if one["annotation_level"] == level) >= PER_STEP:
            continue
        properties = _properties(match[2] or "")
        start = _whole(properties.get("line"), 1)
        one: dict[str, Any] = {
            "path": properties.get("file", ".github"),
            "start_line": start,
            "end_line": _whole(properties.get("endLine"), start),
            "annotation_level": level,
            "message": _unescape(match[3]),
        }
        if "title" in properties:
            one["title"] = properties["title"]
        found.append(one)
    return found


def _properties(text: str) -> dict[str, str]:
    pairs: Iterable[tuple[str, str, str]] = (part.partition("=") for part in text.split(","))
    return {key.strip(): _unescape(value).replace("%3A", ":").replace("%2C", ",") for key, _, value in pairs if value}


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdigit() else otherwise


def _unescape(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def failed_step(exit_code: int | None) -> dict[str, Any]:
    """The annotation that GitHub itself adds to a job whose step failed."""
    message = "The operation was canceled." if exit_code is None else f"Process completed with exit code {exit_code}."
    return {
        "path": ".github",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "failure",
        "message": message,
    }
