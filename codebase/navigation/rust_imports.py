"""Rust: paths from `crate`, `self`, `super`, a module below this one, or another crate of the workspace."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from codebase.index.links import Import
from codebase.navigation.layout import Layout, above

_ROOTS = ("lib.rs", "main.rs", "build.rs", "mod.rs")
_FOLDERS_OF_ROOTS = ("tests", "benches", "examples", "bin")
_PACKAGE = re.compile(r"^\[package\][^\[]*?^name\s*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


class RustImports:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def targets(self, path: str, imported: Import) -> Iterator[tuple[str, str]]:
        names = imported.names or ("",)
        for name, known in zip(names, imported.known or names, strict=True):
            parts = imported.module.split("::")
            target = self._found(path, [*parts, name] if name not in ("", "*") else parts)
            if target is not None and target != path:
                yield known, target

    def _found(self, path: str, parts: list[str]) -> str | None:
        head, here = parts[0], self._below(path)
        if head == "crate":
            return self._inside(self._crate(path), parts[1:])
        if head in ("self", "super"):
            folder = here
            while parts and parts[0] in ("self", "super"):
                folder = posixpath.dirname(folder) if parts[0] == "super" else folder
                parts = parts[1:]
            return self._inside(folder, parts)
        if self._module(posixpath.join(here, head)):
            return self._inside(here, parts)
        crate = self._crates.get(head)
        return self._inside(crate, parts[1:]) if crate is not None else None

    def _inside(self, folder: str | None, parts: list[str]) -> str | None:
        """The file of the longest part of a path that is a module; the rest are items in it."""
        if folder is None:
            return None
        for length in range(len(parts), 0, -1):
            found = self._module(posixpath.join(folder, *parts[:length]))
            if found:
                return found
        roots = [posixpath.join(folder, name) for name in ("lib.rs", "main.rs", "mod.rs")]
        return self._layout.first([*roots, f"{folder}.rs"])

    def _module(self, place: str) -> str | None:
        return self._layout.first((f"{place}.rs", f"{place}/mod.rs"))

    def _below(self, path: str) -> str:
        """The folder in which the modules of this file lie."""
        folder, name = posixpath.split(path)
        if name in _ROOTS or posixpath.basename(folder) in _FOLDERS_OF_ROOTS:
            return folder
        return path.removesuffix(".rs")

    def _crate(self, path: str) -> str | None:
        for folder in above(path):
            if posixpath.basename(folder) in _FOLDERS_OF_ROOTS:
                return folder
            if self._layout.first(posixpath.join(folder, name) for name in ("lib.rs", "main.rs")):
                return folder
        return None

    @cached_property
    def _crates(self) -> Mapping[str, str]:
        """The folder of each crate's root by the name it is used by: what Cargo.toml says, or else its folder's."""
        found: dict[str, str] = {}
        for root in self._layout.by_basename.get("lib.rs", ()):
            folder = posixpath.dirname(root)
            package = posixpath.dirname(folder)
            data = self._layout.read(posixpath.join(package, "Cargo.toml"))
            said = _PACKAGE.search(data.decode("utf-8", "replace")) if data else None
            name = said[1] if said else posixpath.basename(package)
            if name:
                found.setdefault(name.replace("-", "_"), folder)
        return found
