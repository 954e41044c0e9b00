"""One repository understood by reading it: languages, test commands, instructions, owners, templates, its settings.

Everything is a pure function of two callables (list the files, read a file) at one commit, always the base commit, so
that a change under review cannot rewrite the rules it is judged by. Each fact carries the path and line it comes from,
and a malformed file is recorded as unreadable instead of raised.
"""

from codebase.commands import Runner, TestCommand, runner_of
from codebase.facts import Facts, read_facts
from codebase.instructions import Instruction, OwnerRule, owners_of
from codebase.repository_settings import Problem, RepositorySettings
from codebase.source import Evidence, Unreadable

__all__ = [
    "Evidence",
    "Facts",
    "Instruction",
    "OwnerRule",
    "Problem",
    "RepositorySettings",
    "Runner",
    "TestCommand",
    "Unreadable",
    "owners_of",
    "read_facts",
    "runner_of",
]
