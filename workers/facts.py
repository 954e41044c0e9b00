"""What the repository says about itself at the task's base commit, read once a process and commit."""

import threading
from dataclasses import dataclass

from codebase import Facts, read_facts
from repositories import Mirror
from workers.workshop import TaskContext

# A model's window is small: more instructions than this crowd out the code.
INSTRUCTIONS_AT_MOST = 24_000
_REMEMBERED = 64
_cache: dict[tuple[str, str], Facts] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """`test_commands`: what the proof runs, of which the agent is told the first. `instructions`: their texts."""

    test_commands: tuple[str, ...]
    instructions: str
    facts: Facts

    @property
    def test_command(self) -> str | None:
        return self.test_commands[0] if self.test_commands else None


def facts_of(context: TaskContext) -> TaskFacts:
    """The facts of the task's base commit; a test command the operator gave comes before what was found."""
    task = context.task()
    if task.base_sha is None:
        raise ValueError(f"task {task.id} has no base commit yet")
    facts = facts_at(context.source.mirror(context), task.base_sha)
    given = task.request.get("test_command")
    return TaskFacts((given,) if given else proof_commands(facts), instructions_text(facts), facts)


def facts_at(mirror: Mirror, sha: str) -> Facts:
    key = (str(mirror.path), sha)
    with _lock:
        if key in _cache:
            return _cache[key]
    facts = read_facts(lambda: mirror.list_files(sha), lambda path: mirror.read_file(sha, path))
    with _lock:
        while len(_cache) >= _REMEMBERED:
            del _cache[next(iter(_cache))]
        _cache[key] = facts
    return facts


def proof_commands(facts: Facts) -> tuple[str, ...]:
    """The owners' own commands when they named some, else the one with the best evidence."""
    if facts.settings is not None and facts.settings.usable and facts.settings.test:
        return facts.settings.test
    return tuple(command.command for command in facts.test_commands[:1])


def instructions_text(facts: Facts) -> str:
    """The instruction files one after the other, each under its path, cut to what a window can hold."""
    parts = [f"<!-- {instruction.path} -->\n{instruction.text.strip()}" for instruction in facts.instructions]
    text = "\n\n".join(parts)
    return text if len(text) <= INSTRUCTIONS_AT_MOST else text[:INSTRUCTIONS_AT_MOST] + "\n[the rest is left out]"
