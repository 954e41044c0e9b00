"""Python: which file of the repository an import means. Packages, src layouts, scripts beside each other, stubs."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from codebase.index.links import Import
from codebase.navigation.layout import Layout, above, joined, nearest

_ENDINGS = (".py", ".pyi", ".pyx")
_ROOTS = ("", "src", "lib", "python")


class PythonImports:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._found: dict[tuple[str, str], str | None] = {}

    def targets(self, path: str, imported: Import) -> Iterator[tuple[str, str]]:
        """What is known here by which name, and the file it comes from: a name may be a module of the package."""
        names = imported.names or ("",)
        for name, known in zip(names, imported.known or names, strict=True):
            inner = self._module(path, _within(imported.module, name)) if name not in ("", "*") else None
            target = inner or self._module(path, imported.module)
            if target is not None and target != path:
                yield known, target

    def _module(self, path: str, module: str) -> str | None:
        key = (posixpath.dirname(path), module)
        if key not in self._found:
            self._found[key] = self._find(path, module)
        return self._found[key]

    def _find(self, path: str, module: str) -> str | None:
        dots = len(module) - len(module.lstrip("."))
        relative = module[dots:].replace(".", "/")
        if dots:
            folder = joined(posixpath.dirname(path), "../" * (dots - 1))
            return None if folder is None else self._at(posixpath.join(folder, relative) if relative else folder)
        known = nearest(path, self._packaged.get(module, ()))
        if known is not None:
            return known
        if not relative:
            return None
        roots = [*above(path), *_ROOTS]
        return next((found for root in roots if (found := self._at(posixpath.join(root, relative)))), None)

    def _at(self, place: str) -> str | None:
        """The module at a path without its ending: a package goes before a file of the same name."""
        packages = (posixpath.join(place, "__init__" + ending) for ending in _ENDINGS)
        files = (place + ending for ending in _ENDINGS)
        return self._layout.first((*packages, *files) if place else packages)

    @cached_property
    def _packaged(self) -> Mapping[str, list[str]]:
        """Files by their dotted name, those in packages; of a stub and its module, the module."""
        found: dict[str, list[str]] = defaultdict(list)
        files = ((*posixpath.splitext(path), path) for path in self._layout.paths)
        for place, _, path in sorted(file for file in files if file[1] in _ENDINGS):
            folder = posixpath.dirname(path)
            if not self._is_package(folder):
                continue
            top = folder
            while top and self._is_package(posixpath.dirname(top)):
                top = posixpath.dirname(top)
            name = place.removesuffix("/__init__")[len(posixpath.dirname(top)) :].strip("/").replace("/", ".")
            if not any(posixpath.splitext(other)[0] == place for other in found[name]):
                found[name].append(path)
        return found

    def _is_package(self, folder: str) -> bool:
        return bool(folder) and any(f"{folder}/__init__{ending}" in self._layout.paths for ending in _ENDINGS)


def _within(module: str, name: str) -> str:
    return module + name if module.endswith(".") else f"{module}.{name}"
