"""Which languages a repository is written in, counted by file extensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_LANGUAGES = {
    "C": (".c", ".h"),
    "C#": (".cs",),
    "C++": (".cc", ".cpp", ".cxx", ".hpp", ".hh"),
    "CSS": (".css", ".scss", ".less"),
    "CUDA": (".cu", ".cuh"),
    "Clojure": (".clj", ".cljs", ".cljc"),
    "D": (".d",),
    "Dart": (".dart",),
    "Elixir": (".ex", ".exs"),
    "Erlang": (".erl", ".hrl"),
    "F#": (".fs", ".fsx"),
    "Fortran": (".f90", ".f95", ".f03"),
    "Go": (".go",),
    "HTML": (".html", ".htm"),
    "Haskell": (".hs",),
    "Java": (".java",),
    "JavaScript": (".js", ".jsx", ".mjs", ".cjs"),
    "Julia": (".jl",),
    "Kotlin": (".kt", ".kts"),
    "Lua": (".lua",),
    "Nim": (".nim",),
    "OCaml": (".ml", ".mli"),
    "Objective-C": (".m", ".mm"),
    "PHP": (".php",),
    "Perl": (".pl", ".pm"),
    "Python": (".py", ".pyi"),
    "R": (".r",),
    "Ruby": (".rb",),
    "Rust": (".rs",),
    "Scala": (".scala",),
    "Shell": (".sh", ".bash"),
    "SQL": (".sql",),
    "Swift": (".swift",),
    "Svelte": (".svelte",),
    "Vala": (".vala", ".vapi"),
    "Vue": (".vue",),
    "TypeScript": (".ts", ".tsx", ".mts", ".cts"),
    "Zig": (".zig",),
}
_BY_EXTENSION = {extension: language for language, extensions in _LANGUAGES.items() for extension in extensions}
_NOT_OURS = {"node_modules", "vendor", "third_party", "dist", "build", ".venv", "site-packages"}


def language_of(path: str) -> str | None:
    """The language of a file by its extension, None for one of no language known here. Pure."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return _BY_EXTENSION.get(name[dot:].lower()) if dot > 0 else None


def count_languages(paths: Iterable[str]) -> dict[str, int]:
    """Files per language, most first, names breaking ties; folders of vendored or built files do not count. Pure."""
    counts: Counter[str] = Counter()
    for path in paths:
        language = language_of(path)
        if language and not _NOT_OURS.intersection(path.split("/")[:-1]):
            counts[language] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
