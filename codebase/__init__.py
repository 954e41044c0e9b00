"""One repository understood by reading it: languages, commands, what CI runs, instructions, owners, settings.

Everything is a pure function of two callables (list the files, read a file) at one commit, always the base commit, so
that a change under review cannot rewrite the rules it is judged by. Each fact carries the path and line it comes from,
and a malformed file is recorded as unreadable instead of raised.
"""

from codebase.checks import Command
from codebase.commands import Runner, TestCommand, runner_of
from codebase.facts import Facts, read_facts
from codebase.instructions import Instruction, OwnerRule, owners_of
from codebase.packages import PackageManager
from codebase.repository_settings import Problem, RepositorySettings
from codebase.running import Run
from codebase.source import Evidence, Source, Unreadable

__all__ = [
    "Command",
    "Evidence",
    "Facts",
    "Instruction",
    "OwnerRule",
    "PackageManager",
    "Problem",
    "RepositorySettings",
    "Run",
    "Runner",
    "Source",
    "TestCommand",
    "Unreadable",
    "owners_of",
    "read_facts",
    "runner_of",
]
