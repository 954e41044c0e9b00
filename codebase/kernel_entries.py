"""The section `kernels` of `.forgehand.yml`: which kernels a repository has verified, and against what. Pure.

Read strictly: an entry that is not understood to the last key would be held to something else than its owners think.
Which names and numbers there may be is for the verification to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from codebase.repository_settings import PATHS, Problem
from codebase.source import Evidence, Source

_LISTS = ("layouts", "distributions", "allow_library_ops")
_WORDS = {
    "mode": ("train", "eval", "both"),
    "device": ("cpu", "cuda"),
    "claims": ("faster", "right"),
    "backward": ("true", "false"),
    "nonfinite": ("free", "same"),
}
KEYS = ("name", "reference", "candidate", "tolerance", "shapes", *_LISTS, *_WORDS)
MOST_KERNELS = 32
_NEEDED = ("name", "reference", "candidate")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?([eE][-+]?[0-9]{1,2})?")
_SIZE = re.compile(r"0|[1-9][0-9]{0,9}")
_MOST_CASES, _MOST_INPUTS, _MOST_DIMENSIONS = 32, 32, 16

Shapes = tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class KernelEntry:
    """One kernel. Paths are tracked files' own. `lists` and `words`: keys with names or one word, where they are said.

    `line`: where the entry stands. Entries that say the same are equal wherever they stand.
    """

    name: str
    reference: str
    candidate: str
    tolerance: tuple[tuple[str, float], ...] = ()
    shapes: Shapes = ()
    lists: tuple[tuple[str, tuple[str, ...] | str], ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    line: int = field(default=1, compare=False)

    @property
    def claims(self) -> str | None:
        """What the kernel is there for: `faster` or `right`, None where nothing is said."""
        return dict(self.words).get("claims")

    @property
    def options(self) -> dict[str, Any]:
        """What is said beside the files, in the words of a task's `task.toml`."""
        found: dict[str, Any] = {
            "tolerance": dict(self.tolerance),
            "shapes": [[list(shape) for shape in case] for case in self.shapes],
            **{name: value if isinstance(value, str) else list(value) for name, value in self.lists},
            **{name: value == "true" if name == "backward" else value for name, value in self.words},
        }
        return {name: value for name, value in found.items() if name != "claims" and value not in ({}, [])}


@dataclass(frozen=True, slots=True)
class Kernels:
    """`path`: the file, None where there is none. With a problem there are no entries: none may be left out unsaid."""

    path: str | None = None
    entries: tuple[KernelEntry, ...] = ()
    problems: tuple[Problem, ...] = ()

    def named(self, name: str) -> KernelEntry | None:
        return next((entry for entry in self.entries if entry.name == name), None)


def read_kernels(read_file: Callable[[str], bytes | None]) -> Kernels:
    """The section of the settings file of one commit. `read_file` as in `Source`. Never raises for what is written."""
    path = next((one for one in PATHS if _is_there(one, read_file)), None)
    if path is None:
        return Kernels()
    source = Source(lambda: [path], read_file)
    node = source.yaml(path)
    if source.unreadable:
        return Kernels(path, problems=(Problem("error", Evidence(path, 1), source.unreadable[-1].why),))
    return judge(path, node)


def _is_there(path: str, read_file: Callable[[str], bytes | None]) -> bool:
    try:
        return read_file(path) is not None
    except ValueError:  # one that is too large to be read is there
        return True


def judge(path: str, node: yaml.Node | None) -> Kernels:
    """The section in a YAML document; a document that is no mapping has none."""
    if not isinstance(node, yaml.MappingNode):
        return Kernels(path)
    sections = [(key, value) for key, value in node.value if key.value == "kernels"]
    if not sections:
        return Kernels(path)
    try:
        if len(sections) > 1:
            raise _Fault(sections[1][0], "'kernels' stands twice")
        entries = tuple(_entries(sections[0][1]))
    except _Fault as fault:
        where = Evidence(path, fault.node.start_mark.line + 1)
        return Kernels(path, problems=(Problem("error", where, fault.text),))
    return Kernels(path, entries)


class _Fault(Exception):
    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(text)
        self.node, self.text = node, text


def _entries(node: yaml.Node) -> Iterator[KernelEntry]:
    told: set[str] = set()
    for item in _list(node, "kernels", "a list of kernels", MOST_KERNELS):
        entry = _entry(item)
        if entry.name in told:
            raise _Fault(item, f"the kernel {entry.name!r} stands twice")
        told.add(entry.name)
        yield entry


def _entry(node: yaml.Node) -> KernelEntry:
    if not isinstance(node, yaml.MappingNode):
        raise _Fault(node, f"each of 'kernels' is a mapping with the keys {', '.join(KEYS)}")
    given: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in KEYS:
            raise _Fault(key, f"{str(key.value)[:40]!r} is no key of a kernel; there are {', '.join(KEYS)}")
        if key.value in given:
            raise _Fault(key, f"{key.value!r} stands twice in one kernel")
        given[key.value] = value
    for key in _NEEDED:
        if key not in given:
            raise _Fault(node, f"the kernel has no {key!r}")
    name = _text(given["name"], "name")
    if not _NAME.fullmatch(name):
        raise _Fault(
            given["name"], "'name' is 1 to 50 of A-Z, a-z, 0-9, dot, dash and underscore, a letter or digit first"
        )
    return KernelEntry(
        name,
        _path(given["reference"], "reference"),
        _path(given["candidate"], "candidate"),
        tolerance=_tolerance(given["tolerance"]) if "tolerance" in given else (),
        shapes=_shapes(given["shapes"]) if "shapes" in given else (),
        lists=tuple((key, _names(given[key], key)) for key in _LISTS if key in given),
        words=tuple((key, _word(given[key], key)) for key in _WORDS if key in given),
        line=node.start_mark.line + 1,
    )


def _path(node: yaml.Node, key: str) -> str:
    """A path as git writes it: anything else could name another file than the one that was looked at."""
    path = _text(node, key)
    parts = path.split("/")
    if len(path) > 300 or not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise _Fault(node, f"{key!r} is the path of a file in the repository, such as kernels/softmax.py")
    endings = (".py", ".cu") if key == "candidate" else (".py",)
    if parts[0].lower() == ".git" or not path.endswith(endings):
        raise _Fault(node, f"{key!r} is the path of a file that ends in {' or '.join(endings)}")
    return path


def _word(node: yaml.Node, key: str) -> str:
    # YAML's truth values are words here.
    word = str(node.value) if isinstance(node, yaml.ScalarNode) and node.style is None else _text(node, key)
    if word not in _WORDS[key]:
        raise _Fault(node, f"{key!r} is {' or '.join(_WORDS[key])}")
    return word


def _tolerance(node: yaml.Node) -> tuple[tuple[str, float], ...]:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise _Fault(node, "'tolerance' is a mapping from names to numbers, such as {ratio: 8}")
    found: dict[str, float] = {}
    for key, value in node.value:
        if not isinstance(value, yaml.ScalarNode) or value.style is not None or not _NUMBER.fullmatch(value.value):
            raise _Fault(value, f"'tolerance': {str(key.value)[:40]!r} is a number, such as 8 or 2e-6")
        if str(key.value) in found:
            raise _Fault(key, f"'tolerance': {str(key.value)[:40]!r} stands twice")
        found[str(key.value)] = float(value.value)
    return tuple(sorted(found.items()))


def _shapes(node: yaml.Node) -> Shapes:
    cases = _list(
        node, "shapes", "a list: for each case the shape of every tensor input, such as [[[64, 1024]]]", _MOST_CASES
    )
    return tuple(
        tuple(
            tuple(_size(size) for size in _list(shape, "shapes", "of shapes, such as [64, 1024]", _MOST_DIMENSIONS, 0))
            for shape in _list(case, "shapes", "of cases, each a list of shapes, such as [[64, 1024]]", _MOST_INPUTS)
        )
        for case in cases
    )


def _size(node: yaml.Node) -> int:
    if not isinstance(node, yaml.ScalarNode) or node.style is not None or not _SIZE.fullmatch(node.value):
        raise _Fault(node, "'shapes': a size is a whole number from 0")
    return int(node.value)


def _names(node: yaml.Node, key: str) -> tuple[str, ...] | str:
    if key == "allow_library_ops" and isinstance(node, yaml.ScalarNode):
        return _text(node, key)
    return tuple(_text(item, key) for item in _list(node, key, "a list of names", 64))


def _list(node: yaml.Node, key: str, what: str, most: int, least: int = 1) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode) or node.tag != "tag:yaml.org,2002:seq":
        raise _Fault(node, f"{key!r} is {what}")
    if not least <= len(node.value) <= most:
        raise _Fault(node, f"{key!r} is {what}; here are {len(node.value)}, and {least} to {most} are taken")
    return list(node.value)


def _text(node: yaml.Node, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
        raise _Fault(node, f"{key!r} is text")
    return str(node.value)
