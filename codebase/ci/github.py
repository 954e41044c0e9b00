"""GitHub Actions: workflows, local composite actions, reusable workflows that are called from here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml

from codebase import yaml_nodes as nodes
from codebase.ci.step import MAX_FILES, CiStep, folder_of, is_true
from codebase.source import Evidence, Source

_PLAIN = re.compile(r"\$\{\{\s*(env|matrix)\.([\w-]+)\s*\}\}")
_MOST_VALUES = 30
_BEFORE_MERGE = frozenset({"pull_request", "pull_request_target", "merge_group"})
_LABELLED = re.compile(r"(?<!!)contains\(\s*github\.event\.pull_request\.labels")
_RARE = re.compile(
    r"startsWith\(\s*github\.ref|github\.ref(_name|_type)?\s*==|failure\(\)"
    r"|event_name\s*==\s*'(push|schedule|workflow_dispatch|release|repository_dispatch)'"
)


def github_steps(source: Source) -> Iterator[CiStep]:
    """The steps of every workflow."""
    files = [path for path in source.paths if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path)][:MAX_FILES]
    workflows = {path: source.yaml(path) for path in files}
    on_change = {path for path in files if _runs_for_changes(nodes.get(workflows[path], "on"))}
    called = True
    while called:  # a reusable workflow runs for changes where one that does calls it
        uses = {use for path in on_change for use in _workflow_uses(workflows[path])}
        called = bool((uses & set(files)) - on_change)
        on_change |= uses & set(files)
    for path in files:
        root = workflows[path]
        default = nodes.scalar(nodes.get(root, "defaults", "run", "working-directory"))
        for _, _, job in nodes.entries(nodes.get(root, "jobs")):
            runs = path in on_change and not _is_rare(nodes.scalar(nodes.get(job, "if")))
            inner = nodes.scalar(nodes.get(job, "defaults", "run", "working-directory")) or default
            lenient = is_true(nodes.get(job, "continue-on-error"))
            steps = nodes.items(nodes.get(job, "steps"))
            sets = {**_texts(nodes.get(root, "env")), **_texts(nodes.get(job, "env"))}
            yield from _steps(source, path, steps, inner, sets, _matrix(job), on_change=runs, blocking=not lenient)


def _steps(
    source: Source,
    path: str,
    steps: list[yaml.Node],
    inner: str,
    sets: Mapping[str, str],
    matrix: Mapping[str, list[str]],
    *,
    on_change: bool,
    blocking: bool,
    depth: int = 0,
) -> Iterator[CiStep]:
    for step in steps:
        never = _is_rare(nodes.scalar(nodes.get(step, "if")))
        folder = folder_of(nodes.scalar(nodes.get(step, "working-directory")) or inner)
        common = CiStep(
            "GitHub Actions", Evidence(path, step.start_mark.line + 1), folder=folder,
            on_change=on_change and not never, blocking=blocking and not is_true(nodes.get(step, "continue-on-error")),
            sets={**sets, **_texts(nodes.get(step, "env"))},
        )  # fmt: skip
        run, uses = nodes.get(step, "run"), nodes.get(step, "uses")
        if isinstance(run, yaml.ScalarNode):
            for text in _written_out(run.value, common.sets, matrix):
                yield replace(common, script=text, where=Evidence(path, nodes.line(run)))
        elif uses is not None:
            name = nodes.scalar(uses)
            local = _local_action(source, name)
            if local and depth < 3:
                inside = nodes.items(nodes.get(source.yaml(local), "runs", "steps"))
                for found in _steps(
                    source, local, inside, "", sets, {}, on_change=True, blocking=True, depth=depth + 1
                ):
                    yield replace(found, on_change=common.on_change, blocking=common.blocking and found.blocking)
            given = {key: nodes.scalar(value) for key, _, value in nodes.entries(nodes.get(step, "with"))}
            yield replace(common, action=name.split("@")[0], given=given, where=Evidence(path, nodes.line(uses)))


def _texts(node: yaml.Node | None) -> dict[str, str]:
    return {key: nodes.scalar(value) for key, _, value in nodes.entries(node)}


def _matrix(job: yaml.Node | None) -> dict[str, list[str]]:
    """The values a job's matrix gives to each of its names, `include` among them."""
    matrix = nodes.get(job, "strategy", "matrix")
    found = {key: nodes.words(value) for key, _, value in nodes.entries(matrix) if key not in ("include", "exclude")}
    for item in nodes.items(nodes.get(matrix, "include")):
        for key, value in _texts(item).items():
            found.setdefault(key, []).append(value)
    return {key: list(dict.fromkeys(value for value in values if value)) for key, values in found.items()}


def _written_out(script: str, sets: Mapping[str, str], matrix: Mapping[str, list[str]]) -> list[str]:
    """A script with its plain `env` and `matrix` expressions put in: one script for each value of the first matrix name
    in it, and for the others their first value. What is computed stays as it is."""

    def put(text: str, values: Mapping[str, str]) -> str:
        return _PLAIN.sub(lambda match: values.get(f"{match[1]}.{match[2]}", match[0]), text)

    script = put(script, {f"env.{name}": value for name, value in sets.items()})
    used = [match[2] for match in _PLAIN.finditer(script) if match[1] == "matrix" and matrix.get(match[2])]
    if not used:
        return [script]
    fixed = {f"matrix.{name}": matrix[name][0] for name in used}
    return [put(script, {**fixed, f"matrix.{used[0]}": value}) for value in matrix[used[0]][:_MOST_VALUES]]


def _local_action(source: Source, name: str) -> str | None:
    folder = folder_of(name) if name.startswith("./") else None
    return next((f"{folder}/action.{e}" for e in ("yml", "yaml") if folder and f"{folder}/action.{e}" in source), None)


def _workflow_uses(root: yaml.Node | None) -> Iterator[str]:
    for _, _, job in nodes.entries(nodes.get(root, "jobs")):
        name = nodes.scalar(nodes.get(job, "uses"))
        if name.startswith("./"):
            yield name.removeprefix("./")


def _runs_for_changes(on: yaml.Node | None) -> bool:
    """Whether a workflow runs before a change is merged: for pull requests, or for pushes to any branch."""
    for event in nodes.words(on):
        filters = {key: value for key, _, value in nodes.entries(nodes.get(on, event))}
        if event in _BEFORE_MERGE:
            return True
        if event == "push" and not {"tags", "tags-ignore"} & filters.keys():
            branches = nodes.words(filters.get("branches"))
            if not branches or {"*", "**"} & set(branches):
                return True
    return False


def _is_rare(condition: str) -> bool:
    """Whether a condition is never met, or not for an ordinary pull request. Other conditions are not judged."""
    said = condition.strip("${} \n")
    return (
        said == "false" or bool(_LABELLED.search(said)) or ("'pull_request'" not in said and bool(_RARE.search(said)))
    )


def workflows_elsewhere(source: Source) -> Iterator[tuple[Evidence, str]]:
    """Jobs that call a workflow of another repository."""
    for path in [path for path in source.paths if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path)][:MAX_FILES]:
        for _, _, job in nodes.entries(nodes.get(source.yaml(path), "jobs")):
            uses = nodes.get(job, "uses")
            if uses is not None and nodes.scalar(uses) and not nodes.scalar(uses).startswith("./"):
                yield Evidence(path, nodes.line(uses)), "a workflow of another repository, which is not read here"
