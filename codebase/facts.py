"""What can be known about a repository by reading it: one pass over a commit, every fact with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codebase.checks import Command, find_commands
from codebase.ci import read_ci
from codebase.commands import TestCommand, find_test_commands
from codebase.instructions import Instruction, OwnerRule, find_instructions, find_owners, find_template
from codebase.languages import count_languages
from codebase.packages import PackageManager, find_package_managers
from codebase.purposes import uses_of
from codebase.repository_settings import RepositorySettings, read_settings
from codebase.running import Run, what_runs
from codebase.source import Source, Unreadable
from codebase.tasks import read_tasks


@dataclass(frozen=True, slots=True)
class Facts:
    """What a commit says about itself. `languages` counts files; `commands` build, lint, format, check types and make
    documentation; `ci` is every program that CI starts; `unreadable` names evidence that was unusable."""

    languages: Mapping[str, int]
    package_managers: tuple[PackageManager, ...]
    test_commands: tuple[TestCommand, ...]
    commands: tuple[Command, ...]
    ci: tuple[Run, ...]
    instructions: tuple[Instruction, ...]
    template_path: str | None
    template: str | None
    owners: tuple[OwnerRule, ...]
    settings: RepositorySettings | None
    unreadable: tuple[Unreadable, ...]

    @property
    def ci_commands(self) -> tuple[Run, ...]:
        """The commands on CI's own lines that check, build or install something, by themselves or by what they call."""
        telling = {run.trail[0] for run in self.ci if uses_of(run.words)}
        found = {(run.text, run.trail): run for run in self.ci if len(run.trail) == 1 and run.trail[0] in telling}
        return tuple(found.values())

    def instructions_for(self, path: str) -> tuple[Instruction, ...]:
        """The instruction files that speak for `path`, the nearest last: where two disagree, the last one counts."""
        return tuple(
            instruction
            for instruction in self.instructions
            if not instruction.scope or path.startswith(f"{instruction.scope}/")
        )


def read_facts(list_files: Callable[[], Iterable[str]], read_file: Callable[[str], bytes | None]) -> Facts:
    """Reads the facts of one commit; give the *base* commit, never the head of a pull request.

    `list_files` gives every tracked path, `read_file` a file's bytes (None: no such file; ValueError: refused, for
    example too large). Malformed, enormous and undecodable files never raise: they are in `unreadable`.
    """
    return facts_of(Source(list_files, read_file))


def facts_of(source: Source) -> Facts:
    """The facts of a source that is read on."""
    settings = read_settings(source)
    test_commands = find_test_commands(source, settings)
    managers = find_package_managers(source)
    tasks = read_tasks(source)
    runs = what_runs(source, read_ci(source), tasks)
    template = find_template(source)
    return Facts(
        languages=count_languages(source.paths),
        package_managers=managers,
        test_commands=test_commands,
        commands=find_commands(source, tasks, runs, managers),
        ci=runs,
        instructions=find_instructions(source),
        template_path=template[0] if template else None,
        template=template[1] if template else None,
        owners=find_owners(source),
        settings=settings,
        unreadable=tuple(dict.fromkeys(source.unreadable)),
    )
