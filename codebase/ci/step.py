"""A step of continuous integration, and what the readers of all systems share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from codebase import yaml_nodes as nodes
from codebase.source import Evidence

MAX_FILES = 60


@dataclass(frozen=True, slots=True)
class CiStep:
    """One command or action of a CI system.

    `script` is shell text that begins at `where`, `action` the name of a ready-made step with its inputs in `given`
    (one of the two is empty). `folder`: where it runs, from the root. `on_change`: it runs for pull requests or for any
    pushed branch, not only after a merge, on a schedule, by hand or for releases. `blocking`: its failure fails the
    run. `sets`: the environment variables that are set for it, as they are written.
    """

    system: str
    where: Evidence
    script: str = ""
    action: str = ""
    given: Mapping[str, str] = field(default_factory=dict, hash=False)
    folder: str = ""
    on_change: bool = True
    blocking: bool = True
    sets: Mapping[str, str] = field(default_factory=dict, hash=False)


def plain_steps(system: str, path: str, section: yaml.Node | None) -> Iterator[CiStep]:
    """The scripts of a section that holds one or a list of them."""
    for script in nodes.scripts(section):
        if script.value.strip():
            yield CiStep(system, Evidence(path, nodes.line(script)), script=script.value)


def folder_of(name: str) -> str:
    """A folder as CI files name it, from the root; the root where it is not known before the run."""
    folder = name.removeprefix("./").strip("/")
    return "" if "$" in name or folder == "." else folder


def is_true(node: yaml.Node | None) -> bool:
    """Whether a value is literally true; an expression of the CI system is not."""
    return nodes.scalar(node).strip("${} ").lower() == "true"
