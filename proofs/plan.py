"""What a proof is to run."""

from __future__ import annotations

from dataclasses import dataclass

MAX_COMMANDS = 10


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A shell command that shows the fault: it must fail on base and pass on head.

    `files` are the paths of the patch that it needs; they are copied, as committed on head, into the base tree.
    """

    command: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """Shell commands, run from the repository's root: each of `test_commands`, then `reproduction`.

    `timeout_s` bounds each command, in seconds. Raises ValueError for an empty command, more than 10 commands, or a
    timeout that is not positive.
    """

    test_commands: tuple[str, ...]
    reproduction: Reproduction | None = None
    timeout_s: float = 900.0

    def __post_init__(self) -> None:
        commands = (*self.test_commands, *([self.reproduction.command] if self.reproduction else ()))
        if any(not command.strip() or "\0" in command for command in commands):
            raise ValueError("a command of a proof plan is empty or holds a NUL")
        if len(self.test_commands) > MAX_COMMANDS:
            raise ValueError(f"a proof plan has at most {MAX_COMMANDS} test commands")
        if not self.timeout_s > 0:
            raise ValueError("a proof plan's timeout must be positive")
