"""Hooks of pre-commit and lefthook as tasks: a hook stops a commit where it fails or changes a file."""

from __future__ import annotations

from collections.abc import Iterator

from codebase import yaml_nodes as nodes
from codebase.source import Evidence, Source
from codebase.tasks.task import Step, Task

_PRE_COMMIT = (".pre-commit-config.yaml", ".pre-commit-config.yml")


def hook_tasks(source: Source) -> Iterator[Task]:
    """One task for each pre-commit hook, and the empty name for all that run at a commit."""
    path = next((path for path in _PRE_COMMIT if path in source), None)
    if path is not None:
        root = source.yaml(path)
        default = nodes.words(nodes.get(root, "default_stages"))
        every: list[Step] = []
        for repo in nodes.items(nodes.get(root, "repos")):
            for hook in nodes.items(nodes.get(repo, "hooks")):
                name = nodes.scalar(nodes.get(hook, "id"))
                if not name:
                    continue
                where = Evidence(path, hook.start_mark.line + 1)
                entry = nodes.scalar(nodes.get(hook, "entry"))
                arguments = " ".join(nodes.words(nodes.get(hook, "args")))
                command = entry if entry and nodes.scalar(nodes.get(repo, "repo")) == "local" else name
                step = Step(f"{command} {arguments}".strip(), where, gates=True)
                stages = nodes.words(nodes.get(hook, "stages")) or default
                if not stages or {"pre-commit", "commit"} & set(stages):
                    every.append(step)
                yield Task("pre-commit", "", name, f"pre-commit run {name} --all-files", where, (step,))
        yield Task("pre-commit", "", "", "pre-commit run --all-files", Evidence(path, 1), tuple(every))
    for path in ("lefthook.yml", "lefthook.yaml", ".lefthook.yml"):
        root = source.yaml(path) if path in source else None
        for stage, key, section in nodes.entries(root):
            steps = [
                Step(nodes.scalar(run), Evidence(path, nodes.line(run)), gates=True)
                for group in ("commands", "jobs")
                for _, _, job in nodes.entries(nodes.get(section, group))
                if (run := nodes.get(job, "run")) is not None
            ]
            if steps:
                where = Evidence(path, nodes.line(key))
                yield Task("lefthook", "", stage, f"lefthook run {stage}", where, tuple(steps))
