"""`.forgehand.yml`: what a repository's owners say about building and testing it. Read from the base branch only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import yaml

from codebase.source import Evidence, Source

PATHS = (".forgehand.yml", ".forgehand.yaml")
_KEYS = ("test", "setup", "base", "image", "kernels")
_MAX_COMMANDS = 10
_MAX_COMMAND = 2000
_IMAGE = re.compile(r"[a-z0-9]([a-z0-9._/-]|:(?=[A-Za-z0-9_])|@(?=sha256:)|[A-Za-z0-9_])*\Z")
_BRANCH = re.compile(r"(?![-/.])(?!.*(\.\.|//|@\{|\.lock(/|\Z)))[^\x00-\x20\x7f~^:?*\[\\]{1,200}(?<![/.])\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the settings file. An error makes the file unusable, a warning does not."""

    level: Literal["error", "warning"]
    where: Evidence
    message: str


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """The file's content: shell commands for `test` and `setup`, the `base` branch, the sandbox `image`.

    `lines` tells where each key stands. With an error in `problems` nothing else may be relied on.
    """

    path: str
    test: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    base: str | None = None
    image: str | None = None
    lines: tuple[tuple[str, int], ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is no error."""
        return all(problem.level != "error" for problem in self.problems)


def read_settings(source: Source) -> RepositorySettings | None:
    """The settings file of a commit, None when it has none. Never raises: what is wrong is in `problems`."""
    path = next((candidate for candidate in PATHS if candidate in source), None)
    if path is None:
        return None
    before = len(source.unreadable)
    node = source.yaml(path)
    if len(source.unreadable) > before:
        return RepositorySettings(path, problems=(Problem("error", Evidence(path, 1), source.unreadable[-1].why),))
    if node is None:
        return RepositorySettings(path)
    return judge(path, node)


def judge(path: str, node: yaml.Node) -> RepositorySettings:
    """The settings in a YAML document. Pure."""
    if not isinstance(node, yaml.MappingNode):
        problem = Problem("error", _at(path, node), "the file must be a mapping with the keys " + ", ".join(_KEYS))
        return RepositorySettings(path, problems=(problem,))
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    commands: dict[str, tuple[str, ...]] = {}
    words: dict[str, str] = {}
    for key_node, value in node.value:
        key = str(key_node.value)
        if key not in _KEYS:
            message = f"unknown key {key[:40]!r}: ignored (known: {', '.join(_KEYS)})"
            problems.append(Problem("warning", _at(path, key_node), message))
            continue
        if key in lines:
            problems.append(Problem("error", _at(path, key_node), f"{key!r} stands twice"))
            continue
        lines[key] = _at(path, key_node).line
        if key == "kernels":  # read by codebase.kernel_entries: a fault there is no reason not to run the tests
            continue
        fault = _fault(key, value)
        if fault:
            problems.append(Problem("error", _at(path, value), f"{key!r} {fault}"))
        elif key in ("test", "setup"):
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            commands[key] = tuple(item.value.strip() for item in items)
        else:
            words[key] = value.value
    return RepositorySettings(
        path,
        commands.get("test", ()),
        commands.get("setup", ()),
        words.get("base"),
        words.get("image"),
        tuple(sorted(lines.items())),
        tuple(problems),
    )


def _fault(key: str, value: yaml.Node) -> str | None:
    if key in ("test", "setup"):
        if isinstance(value, yaml.CollectionNode) and value.tag != "tag:yaml.org,2002:seq":
            return "must be a command or a plain list of commands"
        items = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if not items or len(items) > _MAX_COMMANDS:
            return f"must be a command or a list of 1 to {_MAX_COMMANDS} commands"
        if not all(_is_text(item) and 0 < len(item.value.strip()) <= _MAX_COMMAND for item in items):
            return f"must hold commands as text, each of 1 to {_MAX_COMMAND} characters"
        return "must hold no NUL" if any("\0" in item.value for item in items) else None
    if not _is_text(value):
        return "must be text"
    if key == "base" and not _BRANCH.match(value.value):
        return "is not a branch name"
    if key == "image" and not (len(value.value) <= 255 and _IMAGE.match(value.value)):
        return "is not an image reference such as registry.example/team/image:tag"
    return None


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _at(path: str, node: yaml.Node) -> Evidence:
    return Evidence(path, node.start_mark.line + 1)
