"""A named task of a repository and the commands in it."""

from __future__ import annotations

from dataclasses import dataclass

from codebase.source import Evidence, Source

MAX_FILES = 100
NOT_OURS = frozenset({"node_modules", "vendor", "third_party", ".venv", "site-packages"})


@dataclass(frozen=True, slots=True)
class Step:
    """A shell command as it stands on a line. `gates`: it fails where it would change a file, as a hook does."""

    command: str
    where: Evidence
    gates: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """`runner` starts it by `name` in `folder` (from the root, empty: the root); `call` does so from the root."""

    runner: str
    folder: str
    name: str
    call: str
    where: Evidence
    steps: tuple[Step, ...]


def files_named(source: Source, *names: str) -> list[tuple[str, str]]:
    """Path and folder of the files of these names, outer ones first, other people's folders left out."""
    found = []
    for path in (path for name in names for path in source.by_name.get(name, [])):
        folder = path.rpartition("/")[0]
        if not NOT_OURS.intersection(folder.split("/")):
            found.append((path, folder))
    return sorted(found, key=lambda item: (item[0].count("/"), item[0]))[:MAX_FILES]


def at(call: str, folder: str) -> str:
    """A call from the root of what is called in a folder."""
    return f"(cd {folder} && {call})" if folder else call
