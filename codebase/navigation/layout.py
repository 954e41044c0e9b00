"""The files of one commit as import statements look for them: by path, by folder, by the last part of their name."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from codebase.index.links import Links

Read = Callable[[str], bytes | None]


class Layout:
    """`paths` are all files of the commit, in any language; `links` those whose imports are known. `read` gives the
    content of a file that says how imports are meant (go.mod, tsconfig.json, package.json); what it has no answer
    for is guessed from the files."""

    def __init__(self, paths: Iterable[str], links: Mapping[str, Links], read: Read = lambda path: None) -> None:
        self.paths = frozenset(paths)
        self.links = links
        self.read = read

    @cached_property
    def folders(self) -> Mapping[str, Sequence[str]]:
        """The files directly in each folder, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.paths):
            found[posixpath.dirname(path)].append(path)
        return found

    @cached_property
    def by_basename(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.paths):
            found[posixpath.basename(path)].append(path)
        return found

    @cached_property
    def by_package(self) -> Mapping[str, Sequence[str]]:
        """The files that say they belong to a namespace (Links.packages)."""
        found: dict[str, list[str]] = defaultdict(list)
        for path, links in sorted(self.links.items()):
            for package in links.packages:
                found[package].append(path)
        return found

    def first(self, candidates: Iterable[str]) -> str | None:
        """The first of these paths at which there is a file."""
        return next((path for path in candidates if path in self.paths), None)

    def ending(self, suffix: str) -> list[str]:
        """Files whose path is `suffix` or ends with it at a folder's boundary."""
        found = self.by_basename.get(posixpath.basename(suffix), ())
        return [path for path in found if path == suffix or path.endswith("/" + suffix)]


def joined(folder: str, relative: str) -> str | None:
    """A path from a folder on, with its dots resolved; None where it leaves the repository."""
    path = posixpath.normpath(posixpath.join(folder, relative))
    return None if path.startswith(("..", "/")) else "" if path == "." else path


def nearest(path: str, candidates: Iterable[str]) -> str | None:
    """The candidate with most folders in common with `path`, and of several the shortest."""
    here = path.split("/")

    def distance(candidate: str) -> tuple[int, int, str]:
        common = 0
        for one, other in zip(here, candidate.split("/"), strict=False):
            if one != other:
                break
            common += 1
        return -common, candidate.count("/"), candidate

    return min(candidates, key=distance, default=None)


def above(path: str) -> Iterable[str]:
    """The folders around a file, its own first, the root ("") last."""
    folder = posixpath.dirname(path)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""
