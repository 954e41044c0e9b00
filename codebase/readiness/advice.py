"""What to do next for a kind that is not enforced: which file, with what in outline, which command in CI.

Advice is written for the main language and for what is there: its package manager, its CI system, its own commands. A
tool that is set up is never answered with another one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from codebase.readiness.assessment import Assessment, Kind
from codebase.readiness.checks import REWRITES
from codebase.readiness.ground import Ground


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a language gets a kind of validation: the file to add, its content in outline, the command that checks."""

    file: str
    outline: str
    command: str


@cache
def _table(name: str) -> dict[str, Any]:
    document = tomllib.loads(files("codebase.readiness").joinpath("recipes.toml").read_text("utf-8"))
    table: dict[str, Any] = document[name]
    return table


def _recipe(language: str, kind: Kind) -> Recipe | None:
    found = _table("recipes").get(language, {}).get(kind)
    return Recipe(**found) if found else None


_AS = {"TypeScript": "JavaScript", "C": "C++", "CUDA": "C++"}

NEW_WORKFLOW = "Run it for every change: add `"
_ON_PURPOSE = (
    "For a library, keep the lock file out and let CI test with the newest and the lowest versions allowed; for a "
    "program, take the line at `{}` out, commit the lock file and install from it."
)
_APART = (
    "Put the tests that start something in a folder or under a marker of their own, so that an agent can run the quick "
    "ones alone, and run both in CI."
)
_AGENTS = (
    "Add `AGENTS.md`: the commands to build, test and lint, the layout in ten lines, and what must not be touched."
)


def advise(ground: Ground, assessment: Assessment) -> tuple[str, ...]:
    """The next steps for one kind, none where it is enforced but for what its note leaves open."""
    kind, state = assessment.kind, assessment.state
    language = _AS.get(ground.language, ground.language)
    if kind == "docs":
        return _docs(ground, assessment)
    if state == "enforced":
        return ()
    if kind == "dependencies":
        return _dependencies(ground, assessment)
    if kind == "observability":
        if state == "present":
            return ()
        logger = _table("loggers").get(language)
        return (f"Log what the program decides and what fails: {logger}",) if logger else ()
    if state == "present" or (kind == "build" and state == "partial"):
        step = _in_ci(ground, _own_command(ground, assessment) or _default(ground, kind))
        service = any(sign.text.startswith("pre-commit.ci") for sign in assessment.signs)
        return (f"If pre-commit.ci is not on for this repository: {step[0].lower()}{step[1:]}" if service else step,)
    if kind == "integration tests" and state == "partial":
        return (_APART,)
    if assessment.note == REWRITES:
        return ("Give it the option with which it only checks, or follow it with `git diff --exit-code`.",)
    recipe = _recipe(language, kind)
    if recipe is None:
        return (f"Choose a tool for {kind} of {ground.language or 'this code'} and run it in {_ci_file(ground)[0]}.",)
    file, outline = _filled(recipe.file, ground), _filled(recipe.outline, ground)
    step = f"Write in `{file}`: {outline}." if recipe.file in ground.source else f"Add `{file}` with {outline}."
    return (step, _in_ci(ground, _started(ground, recipe.command)))


def _docs(ground: Ground, assessment: Assessment) -> tuple[str, ...]:
    steps = []
    if assessment.state in ("missing", "partial") and not any(sign.text == "a README" for sign in assessment.signs):
        steps.append("Add `README.md`: what it is for, how to install, run and test it.")
    if "AGENTS.md" in assessment.note or assessment.state == "missing":
        steps.append(_AGENTS)
    commands = [command.command for command in ground.facts.commands if command.purpose == "docs"]
    if assessment.state == "present" and commands:
        steps.append(_in_ci(ground, commands[0]))
    return tuple(steps)


def _dependencies(ground: Ground, assessment: Assessment) -> tuple[str, ...]:
    managers = [one for one in ground.facts.package_managers if one.language in ground.languages]
    if not managers:
        return (
            "Name what the code needs in a manifest of its package manager, and commit its lock file; if it needs "
            "nothing, say so in the README.",
        )
    manager = managers[0]
    if manager.lock:
        frozen = _table("frozen").get(manager.name)
        return (_in_ci(ground, frozen),) if frozen else ()
    refused = next((sign for sign in assessment.signs if sign.text.endswith("on purpose")), None)
    lock = _ON_PURPOSE.format(refused.where) if refused else _table("locks").get(manager.name)
    steps = [str(lock)] if lock else []
    if not any("propose" in sign.text for sign in assessment.signs) and _on_github(ground):
        ecosystem = {"npm": "npm", "yarn": "npm", "pnpm": "npm", "pip": "pip", "go": "gomod"}.get(
            manager.name, manager.name
        )
        where = ".github/dependabot.yml"
        if where in ground.source:
            entry = f"`package-ecosystem: {ecosystem}`"
            steps.append(f"Add {entry} to `{where}`, so that updates come as pull requests that CI judges.")
        else:
            entry = f"one entry with `package-ecosystem: {ecosystem}`, `directory: /` and a schedule"
            steps.append(f"Add `{where}`: `version: 2` and under `updates:` {entry}.")
    return tuple(steps)


def _own_command(ground: Ground, assessment: Assessment) -> str | None:
    """The command in the evidence, or that of the tool that is set up; for tests, what tests this repository."""
    if assessment.kind in ("unit tests", "integration tests") and ground.facts.test_commands:
        return ground.facts.test_commands[0].command
    for sign in assessment.signs:
        match = re.fullmatch(r"`(.+)` is there to run", sign.text)
        if match:
            return match[1]
    for sign in assessment.signs:
        tool = sign.text.removesuffix(" is set up")
        if tool != sign.text:
            return str(_table("commands").get(tool, tool))
    return None


def _default(ground: Ground, kind: Kind) -> str:
    recipe = _recipe(_AS.get(ground.language, ground.language), kind)
    if kind == "build" and ground.language == "Python":
        manager = next((one.name for one in ground.facts.package_managers if one.language == "Python"), "pip")
        if not _is_package(ground):
            return {"uv": "uv sync --locked", "poetry": "poetry install"}.get(
                manager, "pip install -r requirements.txt"
            )
        return {"uv": "uv build", "poetry": "poetry build"}.get(manager, "python -m build")
    return _started(ground, recipe.command) if recipe else f"the command that checks {kind}"


def _is_package(ground: Ground) -> bool:
    return "setup.py" in ground.source or "build-system" in ground.source.toml("pyproject.toml")


def _started(ground: Ground, command: str) -> str:
    """A command as the repository's own package manager starts it."""
    manager = next((one.name for one in ground.facts.package_managers if one.language in ground.languages), "")
    if manager in ("uv", "poetry", "pdm", "pipenv") and ground.language == "Python":
        return " && ".join(f"{manager} run {part}" for part in command.split(" && "))
    if manager in ("pnpm", "yarn", "bun") and command.startswith("npx "):
        return command.replace("npx ", {"pnpm": "pnpm exec ", "yarn": "yarn ", "bun": "bunx "}[manager], 1)
    if manager == "gradle" and command.startswith("mvn "):
        return "./gradlew check"
    return command


def _in_ci(ground: Ground, command: str) -> str:
    path, there = _ci_file(ground)
    if path.startswith(".github"):
        step = f"`- run: {command}`"
        if there:
            return f"Run it for every change: add the step {step} to `{path}`."
        job = "`on: [push, pull_request]` and one job that checks out, installs and has"
        return f"{NEW_WORKFLOW}{path}` with {job} {step}."
    return f"Run `{command}` for every change, in `{path}`."


def _on_github(ground: Ground) -> bool:
    return not any(path in ground.source for path in (".gitlab-ci.yml", "azure-pipelines.yml", ".circleci/config.yml"))


def _ci_file(ground: Ground) -> tuple[str, bool]:
    """The CI file where a check belongs: the one that runs tests, else one that runs for changes, else a new one."""
    counting = [run for run in ground.facts.ci if run.counts]
    tested = [run.trail[0].path for run, _ in ground.uses("test", anyone=True)]
    used = tested or [run.trail[0].path for run in counting if "codeql" not in run.trail[0].path]
    if used:
        return max(dict.fromkeys(used), key=used.count), True
    for path in (".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", ".travis.yml", "Jenkinsfile"):
        if path in ground.source:
            return path, True
    return ".github/workflows/ci.yml", ".github/workflows/ci.yml" in ground.source


def _filled(text: str, ground: Ground) -> str:
    """An outline with names of this repository's own: a package's folder, a module without a test."""
    packages = [path.rpartition("/")[0] for path in ground.source.paths if path.endswith("/__init__.py")]
    packages = [path for path in packages if path.count("/") <= 1 and not path.startswith(("test", "docs", "example"))]
    package = min(packages, key=lambda path: (path.count("/"), path)) if packages else "src"
    return text.replace("{package}", package).replace("{name}", "name").replace("{Name}", "Name")
