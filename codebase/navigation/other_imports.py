"""Go, Java, C#, PHP, C, C++ and Ruby: which files of the repository an import means."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from codebase.index.links import Import
from codebase.navigation.layout import Layout, above, joined, nearest

_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)
_RUBY_ROOTS = ("lib", "app", "spec", "test", "tests", "features", "ext")
Targets = Iterator[tuple[str, str]]


class GoImports:
    """A package is a folder; its files are all of it but the tests."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        for module, folder in self._modules.items():
            if imported.module == module or imported.module.startswith(module + "/"):
                place = joined(folder, imported.module[len(module) :].lstrip("/"))
                for target in self.package(place) if place is not None else ():
                    if target != path:
                        yield imported.known[0], target
                return

    def package(self, folder: str) -> list[str]:
        files = self._layout.folders.get(folder, ())
        return [file for file in files if file.endswith(".go") and not file.endswith("_test.go")]

    @cached_property
    def _modules(self) -> Mapping[str, str]:
        """The folder of each module by its path, the longest first."""
        found: dict[str, str] = {}
        for path in self._layout.by_basename.get("go.mod", ()):
            data = self._layout.read(path)
            said = _MODULE.search(data.decode("utf-8", "replace")) if data else None
            if said:
                found[said[1]] = posixpath.dirname(path)
        if not found and (guessed := self._guessed()):
            found[guessed] = ""
        return dict(sorted(found.items(), key=lambda one: -len(one[0])))

    def _guessed(self) -> str | None:
        """The beginning of imports, with a host's dot in it, after which most often a folder with Go files comes."""
        folders = {
            folder for folder, files in self._layout.folders.items() if any(file.endswith(".go") for file in files)
        }
        votes: Counter[str] = Counter()
        for path, links in self._layout.links.items():
            for module in {one.module for one in links.imports} if path.endswith(".go") else ():
                parts = module.split("/")
                if "." in parts[0]:
                    votes.update(
                        "/".join(parts[:cut]) for cut in range(1, len(parts)) if "/".join(parts[cut:]) in folders
                    )
        return max(votes, key=lambda one: (votes[one], len(one)), default=None)


class JavaImports:
    """A class is a file of its name in its package's folder; `*` is all of a package or of a class."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        parts = imported.module.split(".")
        for length in range(len(parts), 1, -1):
            target = nearest(path, self._classes.get(".".join(parts[:length]), ()))
            if target is not None:
                if target != path:
                    yield imported.known[0], target
                return
        if imported.names:
            for target in self._layout.by_package.get(imported.module, ()):
                if target != path and target.endswith(".java"):
                    yield "*", target

    @cached_property
    def _classes(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for package, files in self._layout.by_package.items():
            for path in files:
                if path.endswith(".java"):
                    found[f"{package}.{posixpath.basename(path).removesuffix('.java')}"].append(path)
        return found


class CSharpImports:
    """A namespace is every file that declares it; a class (`using static`, an alias) a file of its name there."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        package, _, name = imported.module.rpartition(".")
        inside = [file for file in self._layout.by_package.get(package, ()) if posixpath.basename(file) == f"{name}.cs"]
        for target in inside or self._layout.by_package.get(imported.module, ()):
            if target != path and target.endswith(".cs"):
                yield imported.known[0], target


class PhpImports:
    """A class is a file of its name that declares its namespace, as PSR-4 has it; a required file lies beside."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        if "\\" not in imported.module and "." in imported.module:
            place = joined(posixpath.dirname(path), imported.module)
            target = place if place in self._layout.paths else nearest(path, self._layout.ending(imported.module))
            if target is not None and target != path:
                yield "", target
            return
        package, _, name = imported.module.rpartition("\\")
        declared = [file for file in self._layout.by_package.get(package, ()) if file.endswith(".php")]
        named = [file for file in declared if posixpath.basename(file) == f"{name}.php"]
        # What is no class of its own file is a function, a constant or a class in one that holds several.
        for target in named or (declared if len(declared) == 1 else self._unnamed(declared)):
            if target != path:
                yield imported.known[0], target

    def _unnamed(self, files: Sequence[str]) -> list[str]:
        return [file for file in files if posixpath.basename(file)[:1].islower()]


class IncludeImports:
    """C and C++: a header beside the file, or below a folder around it, or else the nearest whose path ends so."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        beside = joined(posixpath.dirname(path), imported.module)
        if beside not in self._layout.paths:
            inner = imported.module.lstrip("./")
            roots = (posixpath.join(folder, part, inner) for folder in above(path) for part in ("", "include", "src"))
            beside = self._layout.first(roots) or nearest(path, self._layout.ending(inner) if inner else ())
        if beside is not None and beside != path:
            yield "*", beside


class RubyImports:
    """`require` looks below the folders that are put on the load path by custom; `./x` is beside the file."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Targets:
        file = imported.module if imported.module.endswith(".rb") else imported.module + ".rb"
        if file.startswith("."):
            target = self._layout.first(place for place in [joined(posixpath.dirname(path), file)] if place)
        else:
            target = nearest(path, (one for one in self._layout.ending(file) if self._on_load_path(one, file)))
        if target is not None and target != path:
            for known in imported.known or ("",):
                yield known, target

    def _on_load_path(self, path: str, file: str) -> bool:
        root = path[: len(path) - len(file)].rstrip("/")
        return (
            not root or posixpath.basename(root) in _RUBY_ROOTS or posixpath.basename(posixpath.dirname(root)) == "app"
        )
