"""What can be known about a repository by reading it: one pass over a commit, every fact with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codebase.commands import TestCommand, find_test_commands
from codebase.instructions import Instruction, OwnerRule, find_instructions, find_owners, find_template
from codebase.languages import count_languages
from codebase.repository_settings import RepositorySettings, read_settings
from codebase.source import Source, Unreadable


@dataclass(frozen=True, slots=True)
class Facts:
    """What a commit says about itself. `languages` counts files; `unreadable` names evidence that was unusable."""

    languages: Mapping[str, int]
    test_commands: tuple[TestCommand, ...]
    instructions: tuple[Instruction, ...]
    template_path: str | None
    template: str | None
    owners: tuple[OwnerRule, ...]
    settings: RepositorySettings | None
    unreadable: tuple[Unreadable, ...]

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
    source = Source(list_files, read_file)
    settings = read_settings(source)
    commands = find_test_commands(source, settings)
    template = find_template(source)
    return Facts(
        languages=count_languages(source.paths),
        test_commands=commands,
        instructions=find_instructions(source),
        template_path=template[0] if template else None,
        template=template[1] if template else None,
        owners=find_owners(source),
        settings=settings,
        unreadable=tuple(dict.fromkeys(source.unreadable)),
    )
