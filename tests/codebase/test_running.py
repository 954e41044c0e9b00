"""CI commands followed through a repository's own tasks to the programs they start."""

from __future__ import annotations

import time

import pytest

from codebase.ci import read_ci
from codebase.running import what_runs
from codebase.tasks import read_tasks
from tests.codebase.sources import source

WORKFLOW = ".github/workflows/ci.yml"


def runs(files: dict[str, str], command: str) -> list[tuple[str, str]]:
    """Words and trail, the CI line left out of both."""
    step = command if command.startswith("- ") else f"- run: {command}"
    ground = source({**files, WORKFLOW: f"on: push\njobs:\n  a:\n    steps:\n      {step}\n"})
    found = what_runs(ground, read_ci(ground), read_tasks(ground))
    assert all(str(run.trail[0]) == f"{WORKFLOW}:5" for run in found)
    return [(" ".join(run.words), " > ".join(str(one) for one in run.trail[1:])) for run in found[1:]]


MAKEFILE = "X = -q\nall: test\n\ttrue\ntest: deps\n\t@pytest $(X)\ndeps:\n\t$(MAKE) -C sub go\n"
PACKAGE = (
    '{"packageManager": "pnpm@9",\n "scripts": {\n  "pretest": "eslint .",\n  "test": "npm run unit",\n'
    '  "unit": "jest",\n"a:x": "tsc", "a:y": "vite build"}}'
)
TOX = (
    "[tox]\nenvlist = py{39,310}, lint\n[testenv]\ncommands = pytest {posargs:tests}\n[testenv:lint]\n"
    "commands =\n  ruff check .\n  - mypy\n"
)
NOX = (
    "import nox\nnox.options.sessions = ['tests']\n@nox.session\ndef tests(session):\n"
    "    session.install('.')\n    session.run('pytest', '-q')\n@nox.session(name='lint')\n"
    "def _lint(session):\n    session.run('ruff', 'check')\n"
)
HOOKS = (
    "repos:\n- repo: https://x\n  hooks:\n  - id: ruff-check\n  - id: slow\n    stages: [manual]\n"
    "- repo: local\n  hooks:\n  - id: own\n    entry: make go\n"
)


@pytest.mark.parametrize(
    ("files", "command", "expected"),
    [
        (
            {"Makefile": MAKEFILE, "sub/Makefile": "go:\n\truff check\n"},
            "make test",
            [("make deps", "Makefile:4"), ("make -C sub go", "Makefile:4 > Makefile:7"),
             ("ruff check", "Makefile:4 > Makefile:7 > sub/Makefile:2"), ("pytest -q", "Makefile:5")],
        ),
        ({"Makefile": MAKEFILE}, "make -j4", [("make test", "Makefile:2"), ("make deps", "Makefile:2 > Makefile:4"),
                                             ("make -C sub go", "Makefile:2 > Makefile:4 > Makefile:7"),
                                             ("pytest -q", "Makefile:2 > Makefile:5"), ("true", "Makefile:3")]),
        ({"package.json": PACKAGE}, "npm t", [("eslint .", "package.json:3"), ("npm run unit", "package.json:4"),
                                              ("jest", "package.json:4 > package.json:5")]),
        ({"package.json": PACKAGE}, "pnpm unit", [("jest", "package.json:5")]),
        ({"package.json": PACKAGE}, "pnpm install", []),
        ({"package.json": PACKAGE}, "npx run-s a:*", [("tsc", "package.json:6"), ("vite build", "package.json:6")]),
        ({"package.json": PACKAGE, "packages/b/package.json": '{"scripts": {"unit": "mocha"}}',
          "play/c/package.json": '{"scripts": {"unit": "ava"}}'},
         "pnpm -r --filter='./packages/*' run unit", [("mocha", "packages/b/package.json:1")]),
        ({"tox.ini": TOX}, "tox -e lint", [("ruff check .", "tox.ini:7"), ("mypy", "tox.ini:8"), ("true",
         "tox.ini:8")]),
        ({"tox.ini": TOX}, "tox -e py312", [("pytest", "tox.ini:4")]),
        ({"tox.ini": TOX}, "tox", [("pytest", "tox.ini:4"), ("ruff check .", "tox.ini:7"), ("mypy", "tox.ini:8"),
                                   ("true", "tox.ini:8")]),
        ({"tox.ini": TOX}, "- {run: tox, env: {TOXENV: '${{ x }}'}}", [("pytest", "tox.ini:4")]),
        ({"noxfile.py": NOX}, "nox", [("pip install .", "noxfile.py:5"), ("pytest -q", "noxfile.py:6")]),
        ({"noxfile.py": NOX}, "nox -s lint", [("ruff check", "noxfile.py:9")]),
        ({".pre-commit-config.yaml": HOOKS, "Makefile": "go:\n\ttrue\n"}, "- uses: pre-commit/action@v3",
         [("ruff-check", ".pre-commit-config.yaml:4"), ("make go", ".pre-commit-config.yaml:9"),
          ("true", ".pre-commit-config.yaml:9 > Makefile:2")]),
        ({"justfile": "default: lint\nlint:\n  ruff check\n"}, "just", [("just lint", "justfile:1"),
                                                                      ("ruff check", "justfile:1 > justfile:3")]),
        ({"Rakefile": "require 'rubocop/rake_task'\nRuboCop::RakeTask.new\ntask default: [:rubocop, :test]\n"},
         "bundle exec rake", [("rake rubocop", "Rakefile:3"), ("rubocop", "Rakefile:3 > Rakefile:2"),
                              ("rake test", "Rakefile:3")]),
        ({"composer.json": '{"scripts": {\n"check": ["@stan", "phpcs"],\n"stan": "phpstan"}}'}, "composer check",
         [("composer stan", "composer.json:2"), ("phpstan", "composer.json:2 > composer.json:3"),
          ("phpcs", "composer.json:2")]),
        ({"ci/go.sh": "#!/bin/sh\nset -e\nmypy\n"}, "./ci/go.sh", [("mypy", "ci/go.sh:3")]),
        ({"ci/go.sh": "mypy || true\n"}, "bash ci/go.sh", [("mypy", "ci/go.sh:1"), ("true", "ci/go.sh:1")]),
        ({"pyproject.toml": "[tool.hatch.envs.default.scripts]\nlint = 'ruff check'\n"}, "hatch run lint",
         [("ruff check", "pyproject.toml:2")]),
        ({"pixi.toml": "[feature.dev.tasks]\nlint = { cmd = 'ruff check' }\n"}, "pixi run -e dev lint",
         [("ruff check", "pixi.toml:2")]),
        ({"Makefile": "GO = gone\nall:: lint\ninclude Makefile.common\ninclude gone.mk\n",
          "Makefile.common": "GO ?= go\nlint:\n\t$(GO) vet\nall:: test\ntest:\n\tgo test\n"}, "make",
         [("make lint", "Makefile:2"), ("gone vet", "Makefile:2 > Makefile.common:3"),
          ("make test", "Makefile.common:4"), ("go test", "Makefile.common:4 > Makefile.common:6")]),
        ({"Makefile": "include Makefile\nx:\n\ttrue\n"}, "make", [("true", "Makefile:3")]),
        ({}, "bash -c 'cd x && make'", [("make", "")]),
    ],
)  # fmt: skip
def test_followed(files: dict[str, str], command: str, expected: list[tuple[str, str]]) -> None:
    assert runs(files, command) == expected


def test_circles_end() -> None:
    assert runs({"Makefile": "a: b\n\tx\nb: a\n\ty\n"}, "make a") == [
        ("make b", "Makefile:1"), ("make a", "Makefile:1 > Makefile:3"), ("y", "Makefile:1 > Makefile:4"), ("x",
         "Makefile:2"),
    ]  # fmt: skip


def test_tasks_that_multiply_are_cut() -> None:
    layers = "".join(f"t{n}: {' '.join(f't{n + 1}' for _ in range(20))}\n\ttrue\n" for n in range(30))
    begun = time.monotonic()
    assert len(runs({"Makefile": layers}, "make t0")) < 5_000
    assert time.monotonic() - begun < 10


def test_forgiven_all_the_way() -> None:
    ground = source({
        WORKFLOW: "on: push\njobs:\n  a:\n    steps:\n      - run: make lint || true\n      - run: make lint\n",
        "Makefile": "lint:\n\t-mypy\n\truff check\n",
    })  # fmt: skip
    found = what_runs(ground, read_ci(ground), read_tasks(ground))
    counted = [(run.words[0], run.trail[0].line) for run in found if run.counts and run.words[0] in ("mypy", "ruff")]
    assert counted == [("ruff", 6)]
