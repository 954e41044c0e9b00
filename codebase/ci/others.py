"""CircleCI, Azure Pipelines, Travis CI and Jenkins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import yaml

from codebase import yaml_nodes as nodes
from codebase.ci.step import MAX_FILES, CiStep, folder_of, is_true, plain_steps
from codebase.source import Evidence, Source


def circle_steps(source: Source) -> Iterator[CiStep]:
    """The commands of the jobs of `.circleci/config.yml`; orbs are named, not opened."""
    path = next((path for path in (".circleci/config.yml", ".circleci/config.yaml") if path in source), None)
    if path is None:
        return
    root = source.yaml(path)
    jobs = {name: job for name, _, job in nodes.entries(nodes.get(root, "jobs"))}
    workflows = nodes.get(root, "workflows")
    used: set[str] = set()
    for _, _, workflow in nodes.entries(workflows):
        if nodes.get(workflow, "triggers") is None:  # with triggers it runs on a schedule
            used.update(word for item in nodes.items(nodes.get(workflow, "jobs")) for word in nodes.words(item))
    for name, job in jobs.items():
        for step in _circle_steps(root, path, nodes.items(nodes.get(job, "steps"))):
            yield replace(step, on_change=workflows is None or name in used)


def _circle_steps(root: yaml.Node | None, path: str, steps: list[yaml.Node], depth: int = 0) -> Iterator[CiStep]:
    for step in steps:
        run = nodes.get(step, "run")
        command = run if isinstance(run, yaml.ScalarNode) else nodes.get(run, "command")
        folder = folder_of(nodes.scalar(nodes.get(run, "working_directory")).replace("~/project", ""))
        if isinstance(command, yaml.ScalarNode):
            yield CiStep("CircleCI", Evidence(path, nodes.line(command)), script=command.value, folder=folder)
            continue
        for name in nodes.words(step):
            inside = nodes.items(nodes.get(root, "commands", name, "steps"))
            if inside and depth < 4:
                yield from _circle_steps(root, path, inside, depth + 1)
            elif "/" in name:
                yield CiStep("CircleCI", Evidence(path, step.start_mark.line + 1), action=name)


def azure_steps(source: Source) -> Iterator[CiStep]:
    """Scripts and tasks of the pipelines and the templates they name."""
    waiting = [path for path in source.paths if re.fullmatch(r"(\.?azure-pipelines?(/[^/]+)?)\.ya?ml", path)]
    seen: set[str] = set()
    while waiting and len(seen) < MAX_FILES:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        root = source.yaml(path)
        never = nodes.scalar(nodes.get(root, "trigger")) == "none" and nodes.scalar(nodes.get(root, "pr")) == "none"
        for node in nodes.mappings(root):
            template = nodes.scalar(nodes.get(node, "template")).lstrip("/")
            base = path.rpartition("/")[0]
            waiting.extend(one for one in (template, f"{base}/{template}" if base else template) if one in source)
            lenient = is_true(nodes.get(node, "continueOnError"))
            folder = folder_of(nodes.scalar(nodes.get(node, "workingDirectory")))
            for key in ("script", "bash", "powershell", "pwsh"):
                for step in plain_steps("Azure Pipelines", path, nodes.get(node, key)):
                    yield replace(step, folder=folder, on_change=not never, blocking=not lenient)
            task = nodes.get(node, "task")
            if task is not None:
                given = {key: nodes.scalar(value) for key, _, value in nodes.entries(nodes.get(node, "inputs"))}
                where = Evidence(path, nodes.line(task))
                name = nodes.scalar(task).split("@")[0]
                yield CiStep("Azure Pipelines", where, "", name, given, folder, not never, not lenient)


def travis_steps(source: Source) -> Iterator[CiStep]:
    """The scripts of `.travis.yml`."""
    path = ".travis.yml"
    if path not in source:
        return
    root = source.yaml(path)
    jobs = nodes.items(nodes.get(root, "jobs", "include")) + nodes.items(nodes.get(root, "matrix", "include"))
    for job in [root, *jobs]:
        for key in ("before_install", "install", "before_script", "script"):
            yield from plain_steps("Travis CI", path, nodes.get(job, key))


_JENKINS_SH = re.compile(r"\b(?:sh|bat|pwsh)\s*\(?\s*(?:script:\s*)?('''|\"\"\"|'|\")(.*?)\1", re.S)


def jenkins_steps(source: Source) -> Iterator[CiStep]:
    """The quoted commands of a Jenkinsfile, which is a program and is not run."""
    text = source.text("Jenkinsfile") or ""
    for match in _JENKINS_SH.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        yield CiStep("Jenkins", Evidence("Jenkinsfile", line), script=match.group(2))
