"""JavaScript and TypeScript: relative modules, index files, tsconfig's paths, and the packages of one workspace."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from codebase.index.links import Import
from codebase.navigation.layout import Layout, above, joined

_ENDINGS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs")
# What TypeScript compiles has the ending of its result in an import, and lies there under its own.
_COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_CONFIGS = ("tsconfig.json", "jsconfig.json", "tsconfig.base.json")
_COMMENT_OR_STRING = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


@dataclass(frozen=True, slots=True)
class _Paths:
    """What one tsconfig says: the folder modules are looked for in, if any, and patterns with their replacements."""

    base: str | None
    patterns: tuple[tuple[str, tuple[str, ...]], ...]


class ScriptImports:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._configs: dict[str, _Paths | None] = {}

    def targets(self, path: str, imported: Import) -> Iterator[tuple[str, str]]:
        target = self._module(path, imported.module)
        if target is not None and target != path:
            for known in imported.known or ("",):
                yield known, target

    def _module(self, path: str, module: str) -> str | None:
        module = module.partition("?")[0]  # vite and webpack: what to do with it, not which
        if module.startswith("."):
            return self._at(joined(posixpath.dirname(path), module))
        return self._mapped(path, module) or self._in_workspace(module)

    def _at(self, place: str | None) -> str | None:
        if place is None:
            return None
        stem, ending = posixpath.splitext(place)
        compiled = (stem + other for other in _COMPILED.get(ending, ()))
        files = (place + other for other in _ENDINGS) if place else ()
        indexes = (posixpath.join(place, "index" + other) for other in _ENDINGS)
        return self._layout.first((place, *compiled, *files, *indexes))

    def _mapped(self, path: str, module: str) -> str | None:
        """By the tsconfig nearest to the file."""
        for folder in above(path):
            config = self._config(folder)
            if config is None:
                continue
            for pattern, replacements in config.patterns:
                head, star, tail = pattern.partition("*")
                if not (module.startswith(head) and module.endswith(tail) and (star or module == pattern)):
                    continue
                rest = module[len(head) : len(module) - len(tail)] if star else ""
                places = (joined("", one.replace("*", rest)) for one in replacements)
                found = next((found for place in places if (found := self._at(place))), None)
                if found:
                    return found
            return self._at(joined(config.base, module)) if config.base is not None else None
        return None

    def _config(self, folder: str) -> _Paths | None:
        if folder not in self._configs:
            self._configs[folder] = next(
                (found for name in _CONFIGS if (found := self._read_config(posixpath.join(folder, name)))), None
            )
        return self._configs[folder]

    def _read_config(self, path: str) -> _Paths | None:
        options = _mapping(_json(self._layout.read(path) if path in self._layout.paths else None), "compilerOptions")
        folder = posixpath.dirname(path)
        said = options.get("baseUrl")
        base = joined(folder, said) if isinstance(said, str) else None
        patterns = tuple(
            (pattern, tuple(place for one in replacements if isinstance(one, str)
                            and (place := joined(folder if base is None else base, one)) is not None))
            for pattern, replacements in _mapping(options, "paths").items() if isinstance(replacements, list)
        )  # fmt: skip
        return _Paths(base, patterns) if patterns or base is not None else None

    def _in_workspace(self, module: str) -> str | None:
        parts = module.split("/")
        cut = 2 if module.startswith("@") else 1
        entry = self._packages.get("/".join(parts[:cut]))
        if entry is None:
            return None
        folder, main = entry
        inner = "/".join(parts[cut:])
        places = (inner, f"src/{inner}") if inner else (*main, "src/index", "index", "lib/index")
        return next((found for place in places if (found := self._at(joined(folder, place)))), None)

    @cached_property
    def _packages(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Folder and main files of the packages in this repository, by their name."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for path in self._layout.by_basename.get("package.json", ()):
            said = _json(self._layout.read(path))
            name = said.get("name")
            if isinstance(name, str) and name:
                main = tuple(
                    one for key in ("source", "types", "module", "main") if isinstance(one := said.get(key), str)
                )
                found.setdefault(name, (posixpath.dirname(path), main))
        return found


def _json(data: bytes | None) -> dict[str, Any]:
    """An object of JSON that may have comments and trailing commas, as tsconfig's does; empty for anything else."""
    if data is None:
        return {}
    text = _COMMENT_OR_STRING.sub(lambda found: found[1] or "", data.decode("utf-8", "replace"))
    try:
        value = json.loads(_TRAILING_COMMA.sub(r"\1", text))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _mapping(value: dict[str, Any], key: str) -> dict[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}
