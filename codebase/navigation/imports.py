"""Which file imports which: import statements of every language resolved to files of this repository.

What cannot be told without running the program (a path put together, an injected container, a load path that is set
somewhere) has no edge; neither have the libraries a repository only uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from codebase.index.grammars import grammar_for
from codebase.index.links import Import, Links
from codebase.navigation.layout import Layout, Read
from codebase.navigation.other_imports import (
    CSharpImports,
    GoImports,
    IncludeImports,
    JavaImports,
    PhpImports,
    RubyImports,
)
from codebase.navigation.python_imports import PythonImports
from codebase.navigation.rust_imports import RustImports
from codebase.navigation.script_imports import ScriptImports


class Rules(Protocol):
    """How one language finds what is imported."""

    def targets(self, path: str, imported: Import) -> Iterator[tuple[str, str]]:
        """What the statement makes known in the file `path` ("*": all there is, "": nothing by name) and the file that
        it comes from, never `path` itself. Nothing for what is not of this repository."""


class Imports:
    """The imports of one commit's files."""

    def __init__(self, paths: Iterable[str], links: Mapping[str, Links], read: Read = lambda path: None) -> None:
        self._links = links
        layout = Layout(paths, links, read)
        script, include = ScriptImports(layout), IncludeImports(layout)
        self._rules: Mapping[str, Rules] = {
            "Python": PythonImports(layout),
            "JavaScript": script,
            "TypeScript": script,
            "TSX": script,
            "Go": GoImports(layout),
            "Rust": RustImports(layout),
            "Java": JavaImports(layout),
            "C": include,
            "C++": include,
            "Ruby": RubyImports(layout),
            "PHP": PhpImports(layout),
            "C#": CSharpImports(layout),
        }

    def targets(self, path: str, imported: Import) -> list[tuple[str, str]]:
        """What one statement in `path` would make known (Rules.targets)."""
        grammar = grammar_for(path)
        return list(self._rules[grammar.name].targets(path, imported)) if grammar is not None else []

    def of(self, path: str) -> Iterator[tuple[Import, str, str]]:
        """The imports of a file with, for each name they make known, the file it comes from."""
        links = self._links.get(path)
        for imported in links.imports if links is not None else ():
            for known, target in self.targets(path, imported):
                yield imported, known, target


def import_graph(
    paths: Iterable[str], links: Mapping[str, Links], read: Read = lambda path: None
) -> dict[str, dict[str, int]]:
    """For every file with links the files of this repository it imports, and the line on which it first does.

    `paths`: all files of the commit. `read` gives contents of go.mod, tsconfig.json, package.json and Cargo.toml, where
    it is given; without it Go's module path is guessed from the imports, and the others are done without.
    """
    imports = Imports(paths, links, read)
    graph: dict[str, dict[str, int]] = {}
    for path in sorted(links):
        found: dict[str, int] = {}
        for imported, _, target in imports.of(path):
            found.setdefault(target, imported.line)
        graph[path] = found
    return graph
