"""GitLab CI: jobs with what they extend and what the repository itself includes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml

from codebase import yaml_nodes as nodes
from codebase.ci.step import MAX_FILES, CiStep, is_true, plain_steps
from codebase.source import Evidence, Source

_GLOBAL = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script"}
    | {"after_script", "spec"}
)
_RARE = frozenset({"schedules", "tags", "triggers", "web"})


def gitlab_steps(source: Source) -> Iterator[CiStep]:
    """The scripts of every job."""
    waiting = [path for path in (".gitlab-ci.yml", ".gitlab-ci.yaml") if path in source]
    roots: list[tuple[str, yaml.Node]] = []
    jobs: dict[str, tuple[str, yaml.Node]] = {}
    while waiting and len(roots) < MAX_FILES:
        path = waiting.pop(0)
        root = source.yaml(path)
        if root is None or path in [seen for seen, _ in roots]:
            continue
        roots.append((path, root))
        jobs.update({name: (path, job) for name, _, job in nodes.entries(root) if name not in _GLOBAL})
        include = nodes.get(root, "include")
        for item in nodes.items(include) or ([include] if include is not None else []):
            local = nodes.scalar(item) or nodes.scalar(nodes.get(item, "local"))
            if local.lstrip("/") in source:
                waiting.append(local.lstrip("/"))
    for path, root in roots:
        for section in (nodes.get(root, "before_script"), nodes.get(root, "default", "before_script")):
            yield from plain_steps("GitLab CI", path, section)
    for name, (path, job) in jobs.items():
        if name.startswith(".") or not isinstance(job, yaml.MappingNode):
            continue  # a hidden job is a template: it runs where another extends it
        family = _family(jobs, name)
        only = [word for one in family for word in nodes.words(nodes.get(one, "only"))]
        manual = any(nodes.scalar(nodes.get(one, "when")) == "manual" for one in family)
        changes = not manual and (not only or bool(set(only) - _RARE))
        blocking = not any(is_true(nodes.get(one, "allow_failure")) for one in family)
        for key in ("before_script", "script"):
            owner = next((one for one in family if nodes.get(one, key) is not None), None)
            where = next((p for p, j in jobs.values() if j is owner), path)
            for step in plain_steps("GitLab CI", where, nodes.get(owner, key)):
                yield replace(step, on_change=changes, blocking=blocking)


def _family(jobs: Mapping[str, tuple[str, yaml.Node]], name: str) -> list[yaml.Node]:
    """A job and what it extends, nearest first."""
    family: list[yaml.Node] = []
    waiting = [name]
    while waiting and len(family) < 20:
        current = waiting.pop(0)
        if current in jobs and jobs[current][1] not in family:
            family.append(jobs[current][1])
            waiting.extend(reversed(nodes.words(nodes.get(jobs[current][1], "extends"))))
    return family


def included_elsewhere(source: Source) -> Iterator[tuple[Evidence, str]]:
    """Includes of other projects, components, templates and addresses."""
    for path in (".gitlab-ci.yml", ".gitlab-ci.yaml"):
        include = nodes.get(source.yaml(path), "include") if path in source else None
        for item in nodes.items(include) or ([include] if include is not None else []):
            if nodes.get(item, "local") is None and (nodes.words(item) or nodes.scalar(item)):
                local = nodes.scalar(item).lstrip("/")
                if local not in source:
                    yield Evidence(path, item.start_mark.line + 1), "an include from elsewhere, which is not read here"
