"""Package managers with their lock files, and the commands that build, lint, format, check types and document."""

from __future__ import annotations

import pytest

from codebase.facts import Facts, facts_of
from codebase.purposes import uses_of
from codebase.shell import bare
from tests.codebase.sources import source

CI = ".github/workflows/ci.yml"


def facts(files: dict[str, str]) -> Facts:
    return facts_of(source(files))


def ci(*commands: str) -> dict[str, str]:
    return {CI: "on: push\njobs:\n  a:\n    steps:\n" + "".join(f"      - run: {command}\n" for command in commands)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"pyproject.toml": "[project]\n", "uv.lock": ""}, [("uv", "pyproject.toml:1", "uv.lock:1")]),
        ({"pyproject.toml": "[tool.poetry]\n"}, [("poetry", "pyproject.toml:1", "None")]),
        ({"requirements.txt": "x\n", "setup.py": ""}, [("pip", "setup.py:1", "None")]),
        ({"package.json": "{}", "yarn.lock": ""}, [("yarn", "package.json:1", "yarn.lock:1")]),
        ({"package.json": '{"packageManager": "pnpm@9.1"}'}, [("pnpm", "package.json:1", "None")]),
        ({"package.json": '{"packageManager": 7}'}, [("npm", "package.json:1", "None")]),
        ({"sub/package.json": "{}", "package-lock.json": "{}"}, [("npm", "sub/package.json:1", "package-lock.json:1")]),
        ({"node_modules/a/package.json": "{}", "docs/requirements.txt": ""}, []),
        ({"go.mod": "module m\n", "go.sum": ""}, [("go", "go.mod:1", "go.sum:1")]),
        ({"src/A/A.csproj": "<Project/>"}, [("nuget", "src/A/A.csproj:1", "None")]),
        (
            {"Cargo.toml": "", "Cargo.lock": "", "pom.xml": "", "Gemfile": "", "Gemfile.lock": ""},
            [("cargo", "Cargo.toml:1", "Cargo.lock:1"), ("maven", "pom.xml:1", "None"),
             ("bundler", "Gemfile:1", "Gemfile.lock:1")],
        ),
    ],
)  # fmt: skip
def test_package_managers(files: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    assert [(one.name, str(one.manifest), str(one.lock)) for one in facts(files).package_managers] == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"Makefile": "lint:\n\truff check\n\tmypy\n"}, [("lint", "make lint", "Makefile:1"),
                                                        ("types", "make lint", "Makefile:1")]),
        ({"Makefile": "lint-fix:\n\truff check --fix\nlint:\n\techo no\n"}, []),
        ({"package.json": '{"scripts": {\n"lint": "eslint .",\n"build": "vite build",\n"docs": "typedoc"}}',
          "pnpm-lock.yaml": ""},
         [("lint", "pnpm run lint", "package.json:2"), ("build", "pnpm run build", "package.json:3"),
          ("docs", "pnpm run docs", "package.json:4")]),
        ({".pre-commit-config.yaml": "repos:\n- repo: x\n  hooks: [{id: ruff-format}]\n"},
         [("format", "pre-commit run --all-files", ".pre-commit-config.yaml:1")]),
        ({"go.mod": "module m\n"}, [("build", "go build ./...", "go.mod:1")]),
        ({"go.mod": "module m\n", **ci("go build -v ./cmd")}, [("build", "go build -v ./cmd", f"{CI}:5"),
                                                              ("types", "go build -v ./cmd", f"{CI}:5")]),
        (ci("mypy src", "pytest"), [("types", "mypy src", f"{CI}:5")]),
        (ci("black ."), []),
        (ci("cd sub && mypy"), []),
    ],
)  # fmt: skip
def test_commands(files: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    found = [(one.purpose, one.command, str(one.where)) for one in facts(files).commands]
    assert sorted(found) == sorted(expected)


def test_ci_commands_are_those_that_lead_to_something() -> None:
    files = {**ci("echo hello", "make lint", "pip install -r r.txt"), "Makefile": "lint:\n\truff check\n"}
    assert [(run.text, str(run.trail[0])) for run in facts(files).ci_commands] == [
        ("make lint", f"{CI}:6"), ("pip install -r r.txt", f"{CI}:7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "purposes"),
    [
        ("ruff check .", {"lint"}),
        ("ruff format --check", {"format"}),
        ("cargo test --workspace", {"test", "build", "types"}),
        ("cargo clippy -- -D warnings", {"lint", "types"}),
        ("mvn -B verify", {"test", "build", "types"}),
        ("mvn -B verify -DskipTests", {"build", "types"}),
        ("./gradlew build -x test", {"build", "types"}),
        ("dotnet test --no-build", {"test"}),
        ("go install ./cmd/x", {"build", "types"}),
        ("go install example.org/tool@latest", set()),
        ("npm ci", {"install"}),
        ("npm run ci", set()),
        ("pnpm playwright install chromium", set()),
        ("npm audit", {"dependencies"}),
        ("python -m build", {"build"}),
        ("mypy --version", set()),
        ("pip install mypy", {"install"}),
        ("cmake --build build --target ci_clang_tidy", {"build", "types", "lint"}),
        ("echo pytest", set()),
    ],
)
def test_what_commands_are_for(command: str, purposes: set[str]) -> None:
    assert {use.purpose for use in uses_of(bare(tuple(command.split())))} == purposes


@pytest.mark.parametrize(
    ("command", "hook", "checks"),
    [("black .", False, False), ("black --check .", False, True), ("black .", True, True), ("cargo fmt", False, False),
     ("cargo fmt --all --check", False, True), ("prettier -c .", False, True), ("gofmt -l .", False, True)],
)  # fmt: skip
def test_a_formatter_checks_only_when_told_or_as_a_hook(command: str, hook: bool, checks: bool) -> None:
    (use,) = uses_of(bare(tuple(command.split())), hook=hook)
    assert use.checks == checks
