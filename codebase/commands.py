"""How a repository is tested: every command there is evidence for, the most telling first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import yaml

from codebase import yaml_nodes as nodes
from codebase.repository_settings import RepositorySettings
from codebase.source import Evidence, Source, line_of

Runner = Literal["pytest", "unittest", "go", "cargo", "npm", "make", "tox", "other"]
_MAX_TEST_FILES_READ = 30
_MAX_WORKFLOWS = 20
_NPM_PLACEHOLDER = "no test specified"


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A shell command that tests the repository from its root, the kind of runner behind it, and the evidence."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    command: str
    runner: Runner
    where: Evidence


def find_test_commands(source: Source, settings: RepositorySettings | None) -> tuple[TestCommand, ...]:
    """Test commands without repeats: the owners' own words first, then runners whose results can be read test by test,
    then make and tox, then what CI runs. Empty when nothing speaks for tests."""
    found: dict[str, TestCommand] = {}
    if settings is not None and settings.usable:
        line = dict(settings.lines).get("test", 1)
        for command in settings.test:
            found.setdefault(command, TestCommand(command, runner_of(command), Evidence(settings.path, line)))
    for finder in (_python, _node, _go, _cargo, _others, _make, _tox, _workflows):
        for candidate in finder(source):
            found.setdefault(candidate.command, candidate)
    return tuple(found.values())


def runner_of(command: str) -> Runner:
    """What kind of runner a shell command starts, by its words. Pure."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    names = [PurePosixPath(word).name for word in words]
    if "pytest" in names or "py.test" in names:
        return "pytest"
    if "unittest" in names:
        return "unittest"
    for runner, program, verbs in _PROGRAMS:
        if program in names and (not verbs or verbs & set(names)):
            return runner
    return "other"


_PROGRAMS: tuple[tuple[Runner, str, frozenset[str]], ...] = (
    ("go", "go", frozenset({"test"})),
    ("cargo", "cargo", frozenset({"test", "nextest"})),
    ("npm", "npm", frozenset({"test", "t", "run", "run-script"})),
    ("npm", "yarn", frozenset({"test"})),
    ("npm", "pnpm", frozenset({"test"})),
    ("npm", "jest", frozenset()),
    ("npm", "vitest", frozenset()),
    ("npm", "node", frozenset({"--test"})),
    ("tox", "tox", frozenset()),
    ("make", "make", frozenset({"test", "tests", "check"})),
)


def _python(source: Source) -> Iterator[TestCommand]:
    config = _pytest_config(source)
    tests = [path for path in source.paths if _is_python_test(path)]
    if config is None and tests:
        config = _first_import(source, tests, r"^\s*(import|from)\s+pytest\b")
    if config is not None:
        yield TestCommand("python3 -m pytest", "pytest", config)
        return
    where = _first_import(source, tests, r"^\s*(import|from)\s+unittest\b")
    if where is not None:
        yield TestCommand(_discover(source, where.path), "unittest", where)
    elif tests:  # plain functions: only pytest finds those
        yield TestCommand("python3 -m pytest", "pytest", Evidence(tests[0], 1))


def _discover(source: Source, example: str) -> str:
    folder = example.split("/")[0] if "/" in example else ""
    pattern = "" if PurePosixPath(example).name.startswith("test") else " -p '*_test.py'"
    if not folder:
        return f"python3 -m unittest discover -v{pattern}"
    top = " -t ." if f"{folder}/__init__.py" in source else ""
    return f"python3 -m unittest discover -v -s {shlex.quote(folder)}{top}{pattern}"


def _is_python_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py") or name == "tests.py")


def _pytest_config(source: Source) -> Evidence | None:
    tool = source.toml("pyproject.toml").get("tool")
    if isinstance(tool, dict) and "pytest" in tool:
        return Evidence("pyproject.toml", line_of(source.text("pyproject.toml") or "", "[tool.pytest"))
    for path, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if path in source and source.ini(path).has_section(section):
            return Evidence(path, line_of(source.text(path) or "", f"[{section}]"))
    conftest = next((path for path in source.paths if PurePosixPath(path).name == "conftest.py"), None)
    return Evidence(conftest, 1) if conftest else None


def _first_import(source: Source, paths: list[str], pattern: str) -> Evidence | None:
    for path in paths[:_MAX_TEST_FILES_READ]:
        text = source.text(path) or ""
        match = re.search(pattern, text, re.M)
        if match:
            return Evidence(path, text.count("\n", 0, match.end()) + 1)
    return None


def _node(source: Source) -> Iterator[TestCommand]:
    package = source.json("package.json")
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if isinstance(script, str) and script.strip() and _NPM_PLACEHOLDER not in script:
        text = source.text("package.json") or ""
        yield TestCommand("npm test", "npm", Evidence("package.json", line_of(text, '"test"', text.find('"scripts"'))))


def _go(source: Source) -> Iterator[TestCommand]:
    if "go.mod" in source:
        where = Evidence("go.mod", line_of(source.text("go.mod") or "", "module "))
        yield TestCommand("go test ./...", "go", where)


def _cargo(source: Source) -> Iterator[TestCommand]:
    manifest = source.toml("Cargo.toml")
    section = next((name for name in ("workspace", "package") if name in manifest), None)
    if section:
        where = Evidence("Cargo.toml", line_of(source.text("Cargo.toml") or "", f"[{section}"))
        yield TestCommand("cargo test", "cargo", where)


# A file that speaks for the command, tests that must be there, and the command: one for each language without results
# that can be read test by test.
_OTHERS: tuple[tuple[str, str, str], ...] = (
    (r"pom\.xml", r"(.*/)?src/test/.*", "mvn -B test"),
    (r"build\.gradle(\.kts)?", r"(.*/)?src/test/.*", "./gradlew test"),
    (r"\.rspec|Gemfile", r"spec/.*_spec\.rb", "bundle exec rspec"),
    (r"Rakefile", r"test/.*(_test|test_.*)\.rb", "bundle exec rake test"),
    (r"phpunit\.(dist\.)?xml(\.dist)?", r".*Test\.php", "vendor/bin/phpunit"),
    (r"[^/]+\.slnx?", r".*Tests?/.*\.cs|.*Tests?\.cs", "dotnet test"),
    (r"mix\.exs", r"test/.*_test\.exs", "mix test"),
    (r"Package\.swift", r"Tests/.*\.swift", "swift test"),
)


def _others(source: Source) -> Iterator[TestCommand]:
    for manifest, tests, command in _OTHERS:
        path = next((path for path in source.paths if re.fullmatch(manifest, path)), None)
        if path is None or not any(re.fullmatch(tests, test) for test in source.paths):
            continue
        if command == "bundle exec rake test" and not re.search(
            r"TestTask|task[ (:\"']+test\b", source.text(path) or ""
        ):
            continue
        yield TestCommand(command, "other", Evidence(path, 1))


def _make(source: Source) -> Iterator[TestCommand]:
    for path in ("GNUmakefile", "Makefile", "makefile"):
        for number, line in enumerate((source.text(path) or "").splitlines(), start=1):
            target = re.match(r"(test|tests|check)\s*:(?![:=])", line)
            if target:
                yield TestCommand(f"make {target.group(1)}", "make", Evidence(path, number))


def _tox(source: Source) -> Iterator[TestCommand]:
    if "tox.ini" not in source or not source.ini("tox.ini").has_section("testenv"):
        return
    text = source.text("tox.ini") or ""
    for line in source.ini("tox.ini").get("testenv", "commands", fallback="").splitlines():
        command = re.sub(r"\{posargs(:[^{}]*)?\}", "", line).strip().lstrip("-").strip()
        if command and "{" not in command and runner_of(command) != "other":
            yield TestCommand(command, runner_of(command), Evidence("tox.ini", line_of(text, line.strip())))


def _workflows(source: Source) -> Iterator[TestCommand]:
    """Lines of `run:` steps that start a known test runner; expressions (``${{ }}``) make a line unusable."""
    files = [path for path in source.paths if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path)]
    for path in files[:_MAX_WORKFLOWS]:
        for node in _run_steps(source.yaml(path)):
            block = node.style in ("|", ">")
            for offset, line in enumerate(node.value.splitlines()):
                command = line.strip()
                if command and "${{" not in command and not command.endswith("\\") and runner_of(command) != "other":
                    where = Evidence(path, node.start_mark.line + 1 + offset + (1 if block else 0))
                    yield TestCommand(command, runner_of(command), where)


def _run_steps(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """The values of `run` keys."""
    for mapping in nodes.mappings(root):
        for key, value in mapping.value:
            if isinstance(value, yaml.ScalarNode) and getattr(key, "value", None) == "run":
                yield value
