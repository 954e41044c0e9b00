"""What a repository has names for: make targets, package scripts, tox and nox environments, hooks, recipes, rake tasks.

Nothing is run. A task is read as the commands it would run, each with its line, so that `npm run lint` in a CI file can
be followed to the linter it starts.
"""

from codebase.source import Source
from codebase.tasks.hooks import hook_tasks
from codebase.tasks.javascript import script_tasks
from codebase.tasks.making import just_tasks, make_tasks, rake_tasks
from codebase.tasks.python import nox_tasks, project_tasks, tox_tasks
from codebase.tasks.task import Step, Task

__all__ = ["Step", "Task", "read_tasks"]

_MAX_TASKS = 3_000


def read_tasks(source: Source) -> dict[tuple[str, str, str], Task]:
    """Every task by (runner, folder, name); where two files of one folder name the same task, the first counts."""
    found: dict[tuple[str, str, str], Task] = {}
    readers = (make_tasks, script_tasks, tox_tasks, nox_tasks, project_tasks, hook_tasks, just_tasks, rake_tasks)
    for reader in readers:
        for task in reader(source):
            if len(found) >= _MAX_TASKS:
                return found
            found.setdefault((task.runner, task.folder, task.name), task)
    return found
