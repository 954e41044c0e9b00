"""How a repository is built, linted, formatted, type-checked and documented: commands there is evidence for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codebase.packages import PackageManager
from codebase.purposes import ANY, Purpose, uses_of
from codebase.running import Follower, Run
from codebase.source import Evidence, Source
from codebase.tasks import Task

_NAMES: dict[Purpose, str] = {
    "lint": r"lint|style|check|static|vet|quality|ruff|eslint|rubocop|clippy|pre-?commit",
    "format": r"fmt|format|style|prettier|black|spotless|cs|pint",
    "types": r"typ(e|es|ing|echeck|e-?check|e:check)|mypy|pyright|tsc|stan|psalm|static",
    "build": r"build|compile|dist|bundle|package|all",
    "docs": r"docs?|html|documentation|site",
}
_OWN: dict[str, str] = {
    "go": "go build ./...",
    "cargo": "cargo build",
    "maven": "mvn -B package -DskipTests",
    "gradle": "./gradlew assemble",
    "nuget": "dotnet build",
    "sbt": "sbt compile",
    "swift": "swift build",
    "mix": "mix compile",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command for the repository's root, what it is for, the line that speaks for it, and the languages it
    speaks for (empty: all)."""

    command: str
    purpose: Purpose
    where: Evidence
    languages: frozenset[str] = ANY


def find_commands(
    source: Source,
    tasks: Mapping[tuple[str, str, str], Task],
    runs: tuple[Run, ...],
    managers: tuple[PackageManager, ...],
) -> tuple[Command, ...]:
    """Commands to build, lint, format, check types and make the documentation: the repository's own tasks first, else
    what CI runs, else, for building, what the package manager itself does. Test commands are in `codebase.commands`."""
    found: list[Command] = []
    for finder in (_from_tasks(source, tasks, managers), _from_ci(runs), _from_managers(managers)):
        known = {command.purpose for command in found}
        fresh = {(command.purpose, command.command): command for command in finder if command.purpose not in known}
        found += fresh.values()
    return tuple(found)


def _from_tasks(
    source: Source, tasks: Mapping[tuple[str, str, str], Task], managers: tuple[PackageManager, ...]
) -> Iterator[Command]:
    follower = Follower(source, tasks)
    node = next((one.name for one in managers if one.language == "JavaScript"), "npm")
    for task in tasks.values():
        name = task.name or ("pre-commit" if task.runner == "pre-commit" else "")
        wanted = {purpose for purpose, names in _NAMES.items() if re.search(rf"(?<![a-z])({names})(?![a-z])", name)}
        if task.folder or not wanted or _ASIDE.search(name) or (task.runner == "pre-commit" and task.name):
            continue
        wanted |= {"lint", "format", "types"} if "lint" in wanted else set()
        found: dict[Purpose, frozenset[str]] = {}
        for step in task.steps:
            for run in follower.follow(step.command, step.where, task.folder, block=False):
                for use in uses_of(run.words, hook=step.gates or run.gates):
                    found[use.purpose] = found.get(use.purpose, ANY) | use.languages
        for purpose in _NAMES:
            if purpose in wanted and purpose in found:
                yield Command(task.call.replace("npm run", f"{node} run"), purpose, task.where, found[purpose])


_ASIDE = re.compile(r"fix|update|baseline|watch|serve|auto\b|clean|publish|release|upload")


def _from_ci(runs: tuple[Run, ...]) -> Iterator[Command]:
    """What CI runs for changes from the root as it stands on its own lines, the first for each purpose."""
    done: set[Purpose] = set()
    for run in runs:
        if len(run.trail) > 1 or run.folder or not run.counts:
            continue
        if "$" in run.text or "/" in run.text.partition(" ")[0]:
            continue
        uses = uses_of(run.words)
        for use in uses if all(use.purpose != "test" for use in uses) else ():
            if use.purpose in _NAMES and use.purpose not in done and use.checks:
                done.add(use.purpose)
                yield Command(run.text, use.purpose, run.trail[0], use.languages)


def _from_managers(managers: tuple[PackageManager, ...]) -> Iterator[Command]:
    for manager in managers:
        if manager.name in _OWN and "/" not in manager.manifest.path:
            yield Command(_OWN[manager.name], "build", manager.manifest)
