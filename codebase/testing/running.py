"""Commands that run just the chosen tests, in the way the repository runs its own. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from codebase.commands import TestCommand
from codebase.index.grammars import grammar_for
from codebase.testing.selection import Selected

_MOST_FILES = 20
_MOST_IDS = 12


def commands_for(tests: Sequence[Selected], known: Sequence[TestCommand], script: str = "") -> list[str]:
    """Shell commands, from the repository's root, that run `tests` and little else; one for each kind of runner.

    `known`: how the repository is tested (codebase.commands); `script`: what package.json calls its tests. At most the
    first 20 files go into a command. A language whose runner is not known, or that can only run everything, has none.
    """
    by_language: dict[str, list[Selected]] = defaultdict(list)
    for one in tests:
        grammar = grammar_for(one.path)
        if grammar is not None and _can_be_said(one.path):
            name = {"TypeScript": "JavaScript", "TSX": "JavaScript", "C++": "C"}.get(grammar.name, grammar.name)
            by_language[name].append(one)
    found: list[str] = []
    for language, chosen in by_language.items():
        write = _WRITERS.get(language)
        command = write(chosen[:_MOST_FILES], known, script) if write is not None else None
        if command:
            found.append(command)
    return found


def npm_script(package: bytes | None) -> str:
    """What the content of a package.json says its tests are run by; empty where it says nothing."""
    try:
        return str(json.loads(package or b"{}")["scripts"]["test"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _can_be_said(path: str) -> bool:
    return path.isprintable() and all(not 0xD800 <= ord(sign) <= 0xDFFF for sign in path)


def _python(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str:
    unittest = next((one for one in known if one.runner in ("pytest", "unittest")), None)
    if unittest is not None and unittest.runner == "unittest":
        return " ".join([_up_to(unittest.command, "unittest", "python3 -m unittest"), *_paths(tests)])
    pytest = next((one.command for one in known if one.runner == "pytest"), "python3 -m pytest")
    start = _up_to(pytest, "pytest", "python3 -m pytest")
    ids = [f"{_path(one.path)}::{name.replace('.', '::')}" for one in tests for name in one.tests if _is_case(name)]
    named = sum(any(_is_case(name) for name in one.tests) for one in tests)
    if named == len(tests) and 0 < len(ids) <= _MOST_IDS:
        return " ".join([start, *map(shlex.quote, ids)])
    return " ".join([start, *_paths(tests)])


def _is_case(name: str) -> bool:
    """Whether pytest knows a place by this name: `test_x`, `TestX.test_x`; a helper or a fixture is none."""
    parts = name.split(".")
    return parts[-1].startswith("test") and all(part[:1].isupper() for part in parts[:-1])


def _javascript(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str | None:
    paths = _paths(tests)
    told = " ".join([script, *(one.command for one in known if one.runner == "npm")])
    for program, start in (
        ("vitest", "npx vitest run"), ("jest", "npx jest"), ("mocha", "npx mocha"), ("ava", "npx ava"),
        ("playwright", "npx playwright test"), ("--test", "node --test"), ("react-scripts", "npx react-scripts test"),
    ):  # fmt: skip
        if re.search(rf"(?<![\w-]){re.escape(program)}(?![\w-])", told):
            return " ".join([start, *paths])
    return " ".join(["npm test --", *paths]) if any(one.runner == "npm" for one in known) else None


def _go(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str:
    folders = dict.fromkeys(str(PurePosixPath(one.path).parent) for one in tests)
    packages = [shlex.quote("." if folder == "." else f"./{folder}") for folder in folders]
    cases = [name for one in tests for name in one.tests if re.fullmatch(r"(?:Test|Example|Fuzz)\w*", name)]
    only = ""
    if cases and len(cases) <= _MOST_IDS and all(any(name in cases for name in one.tests) for one in tests):
        only = " -run " + shlex.quote(f"^({'|'.join(dict.fromkeys(cases))})$")
    return f"go test{only} {' '.join(packages)}"


def _rust(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str | None:
    """A file below `tests/` is a test program of its own; tests inside sources are asked for by their module."""
    programs: dict[str, None] = {}
    modules: dict[str, None] = {}
    for one in tests:
        pure = PurePosixPath(one.path)
        if len(pure.parts) >= 2 and pure.parts[-2] == "tests":
            programs[pure.stem] = None
        else:
            modules[pure.parent.name if pure.stem in ("mod", "tests") else pure.stem] = None
    if programs and not modules:
        return " ".join(["cargo test", *(f"--test {shlex.quote(name)}" for name in programs)])
    if modules and not programs:
        return " ".join(["cargo test --", *map(shlex.quote, modules)])
    return None


def _java(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str | None:
    classes = [PurePosixPath(one.path).stem for one in tests]
    told = " ".join(one.command for one in known)
    if re.search(r"\bgradlew?\b", told):
        return " ".join(["./gradlew test", *(f"--tests {shlex.quote(name)}" for name in classes)])
    if re.search(r"\bmvnw?\b", told):
        return f"mvn -q test -Dtest={shlex.quote(','.join(classes))}"
    return None


def _ruby(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str:
    if all(one.path.endswith("_spec.rb") for one in tests):
        return " ".join(["bundle exec rspec", *_paths(tests)])
    each = " ".join(f"-r {shlex.quote('./' + one.path)}" for one in tests)
    return f"bundle exec ruby -Ilib -Itest {each} -e ''"


def _php(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str:
    names = "|".join(re.escape(PurePosixPath(one.path).stem) for one in tests)
    return f"vendor/bin/phpunit --filter {shlex.quote(f'({names})')}"


def _csharp(tests: Sequence[Selected], known: Sequence[TestCommand], script: str) -> str:
    names = "|".join(f"FullyQualifiedName~{PurePosixPath(one.path).stem}" for one in tests)
    return f"dotnet test --filter {shlex.quote(names)}"


_WRITERS: Mapping[str, Callable[[Sequence[Selected], Sequence[TestCommand], str], str | None]] = {
    "Python": _python,
    "JavaScript": _javascript,
    "Go": _go,
    "Rust": _rust,
    "Java": _java,
    "Ruby": _ruby,
    "PHP": _php,
    "C#": _csharp,
}


def _up_to(command: str, program: str, otherwise: str) -> str:
    """A command's words to the program's, so that what sets it up stays and what it ran before does not."""
    try:
        words = shlex.split(command)
    except ValueError:
        return otherwise
    names = [PurePosixPath(word).name for word in words]
    if program not in names or any(sign in command for sign in ";&|<>$`("):
        return otherwise
    return shlex.join(words[: names.index(program) + 1])


def _paths(tests: Iterable[Selected]) -> list[str]:
    return [shlex.quote(_path(one.path)) for one in tests]


def _path(path: str) -> str:
    """A path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path
