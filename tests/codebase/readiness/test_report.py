"""The states of the eight kinds, their evidence, and advice that fits what is there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.facts import facts_of
from codebase.readiness import KINDS, Assessment, Kind, Report, as_markdown, report
from tests.codebase.sources import source

CI = ".github/workflows/ci.yml"


def ci(*commands: str, on: str = "[pull_request]") -> dict[str, str]:
    return {CI: f"on: {on}\njobs:\n  a:\n    steps:\n" + "".join(f"      - run: {command}\n" for command in commands)}


def read(files: dict[str, str]) -> Report:
    ground = source(files)
    return report(facts_of(ground), ground)


def judged(files: dict[str, str], kind: Kind) -> Assessment:
    return next(one for one in read(files).assessments if one.kind == kind)


PYTHON = {"src/app.py": "x = 1\n", "pyproject.toml": "[project]\nname = 'x'\n"}
GO = {"main.go": "package main\n", "go.mod": "module m\n", "go.sum": "a v1 h1:x=\n"}
RUST = {"src/lib.rs": "", "Cargo.toml": "[package]\nname='x'\n"}
NODE = {"lib/a.js": "", "package.json": '{"name": "x"}'}
JAVA = {"src/main/java/A.java": "", "pom.xml": "<project></project>"}
RUBY = {"lib/a.rb": "", "Gemfile": ""}
PHP = {"src/a.php": "", "composer.json": "{}"}
SPOTLESS = (
    "<project>\n<plugin>\n<artifactId>spotless-maven-plugin</artifactId>\n<goal>check</goal>\n</plugin>\n</project>"
)


@pytest.mark.parametrize(
    ("kind", "files", "state", "place"),
    [
        ("style", PYTHON, "missing", ""),
        ("style", {**PYTHON, "ruff.toml": ""}, "present", "ruff.toml:1"),
        ("style", {**PYTHON, ".editorconfig": ""}, "partial", ".editorconfig:1"),
        ("style", {**PYTHON, **ci("ruff check .")}, "enforced", f"{CI}:5"),
        ("style", {**PYTHON, **ci("ruff check . || true")}, "missing", ""),
        ("style", {**PYTHON, **ci("ruff check --help")}, "missing", ""),
        ("style", {**PYTHON, **ci("pip install ruff")}, "missing", ""),
        ("style", {**PYTHON, **ci("black .")}, "partial", f"{CI}:5"),
        ("style", {**PYTHON, **ci("black .", "git diff --exit-code")}, "enforced", f"{CI}:5"),
        ("style", {**PYTHON, **ci("black --check .")}, "enforced", f"{CI}:5"),
        ("style", {**PYTHON, "ruff.toml": "", **ci("ruff check", on="{push: {branches: [main]}}")}, "present",
         "ruff.toml:1"),
        ("style", {**PYTHON, **ci("npx eslint .")}, "partial", f"{CI}:5"),
        ("style", {**PYTHON, "Makefile": "lint:\n\truff check\n", **ci("make lint")}, "enforced",
         f"{CI}:5 -> Makefile:2"),
        ("style", {**JAVA, "pom.xml": SPOTLESS, **ci("mvn verify")}, "enforced", f"{CI}:5 -> pom.xml:3"),
        ("style", {**JAVA, "pom.xml": SPOTLESS}, "missing", ""),
        ("style", {**JAVA, "pom.xml": f"<pluginManagement>{SPOTLESS}</pluginManagement>", **ci("mvn verify")},
         "missing", ""),
        ("style", {**RUST, **ci("cargo fmt --check")}, "enforced", f"{CI}:5"),
        ("style", {**RUST, **ci("cargo fmt")}, "partial", f"{CI}:5"),
        ("types", PYTHON, "missing", ""),
        ("types", {**PYTHON, "src/app/py.typed": ""}, "partial", "src/app/py.typed:1"),
        ("types", {**PYTHON, "mypy.ini": "[mypy]\n"}, "present", "mypy.ini:1"),
        ("types", {**PYTHON, **ci("python -m pyright src")}, "enforced", f"{CI}:5"),
        ("types", GO, "present", "go.mod:1"),
        ("types", {**GO, **ci("go test ./...")}, "enforced", f"{CI}:5"),
        ("types", {**PHP, **ci("vendor/bin/phpstan analyse")}, "enforced", f"{CI}:5"),
        ("types", NODE, "missing", ""),
        ("unit tests", PYTHON, "missing", ""),
        ("unit tests", {**PYTHON, "tests/test_a.py": ""}, "present", "tests/test_a.py:1"),
        ("unit tests", {**PYTHON, "tests/test_a.py": "", **ci("pytest")}, "enforced", f"{CI}:5"),
        ("unit tests", {**RUST, "src/lib.rs": "#[cfg(test)]\nmod tests {}\n"}, "present", "src/lib.rs:1"),
        ("unit tests", {**JAVA, **ci("mvn package -DskipTests")}, "missing", ""),
        ("integration tests", {**PYTHON, "tests/test_a.py": ""}, "missing", ""),
        ("integration tests", {**PYTHON, "tests/test_a.py": "c = app.test_client()\n"}, "partial", "tests/test_a.py:1"),
        ("integration tests", {**PYTHON, "tests/integration/test_a.py": ""}, "present",
         "tests/integration/test_a.py:1"),
        ("integration tests", {**PYTHON, "tests/integration/test_a.py": "", **ci("pytest")}, "enforced", f"{CI}:5"),
        ("integration tests", {**PYTHON, "tests/integration/test_a.py": "", "tests/unit/test_b.py": "",
                               **ci("pytest tests/unit")}, "present", "tests/integration/test_a.py:1"),
        ("integration tests", {**PYTHON, "tests/integration/test_a.py": "",
         **ci("pytest -m 'not integration'")}, "present",
         "tests/integration/test_a.py:1"),
        ("integration tests", {**PYTHON, "tests/e2e/test_a.py": "", "pytest.ini": "[pytest]\naddopts = -m 'not e2e'\n",
                               **ci("pytest")}, "present", "tests/e2e/test_a.py:1"),
        ("integration tests", {**RUST, "tests/cli.rs": "", **ci("cargo test --lib")}, "present", "tests/cli.rs:1"),
        ("integration tests", {**RUST, "tests/cli.rs": "", **ci("cargo test")}, "enforced", f"{CI}:5"),
        ("integration tests", {**JAVA, "src/test/java/AIT.java": "", **ci("mvn verify")}, "present",
         "src/test/java/AIT.java:1"),
        ("integration tests", {**GO, "end-to-end-test.sh": "#!/bin/sh\n", "a_test.go": "",
                               **ci("./end-to-end-test.sh -v")},
         "enforced", f"{CI}:5"),
        ("build", {"src/a.vala": "", "meson.build": ""}, "present", "meson.build:1"),
        ("integration tests", {**NODE, "docs/integration/a.test.js": ""}, "missing", ""),
        ("build", {"a.py": ""}, "missing", ""),
        ("build", PYTHON, "present", "pyproject.toml:1"),
        ("build", {**PYTHON, **ci("pip install -e .")}, "enforced", f"{CI}:5"),
        ("build", {**PYTHON, **ci("pip install pytest")}, "present", "pyproject.toml:1"),
        ("build", {**GO, **ci("go build ./...")}, "enforced", f"{CI}:5"),
        ("build", {**NODE, "package.json": '{"scripts": {"build": "vite build"}}', **ci("npm ci")}, "partial",
         f"{CI}:5"),
        ("build", {**NODE, **ci("npm ci")}, "enforced", f"{CI}:5"),
        ("docs", PYTHON, "missing", ""),
        ("docs", {**PYTHON, "README.md": "x"}, "partial", "README.md:1"),
        ("docs", {**PYTHON, "README.md": "x", "docs/conf.py": ""}, "present", "README.md:1"),
        ("docs", {**PYTHON, "README.md": "x", **ci("sphinx-build -W docs out")}, "enforced", f"{CI}:5"),
        ("docs", {**PYTHON, "README.md": "  \n"}, "missing", ""),
        ("dependencies", {"a.py": ""}, "missing", ""),
        ("dependencies", PYTHON, "partial", "pyproject.toml:1"),
        ("dependencies", {**PYTHON, "uv.lock": ""}, "present", "uv.lock:1"),
        ("dependencies", {**PYTHON, "uv.lock": "", **ci("uv sync --locked")}, "enforced", f"{CI}:5"),
        ("dependencies", {**PYTHON, **ci("pip-audit")}, "enforced", f"{CI}:5"),
        ("dependencies", {**NODE, "package-lock.json": "{}", **ci("npm install")}, "present", "package-lock.json:1"),
        ("dependencies", {**NODE, "package-lock.json": "{}", **ci("npm ci")}, "enforced", f"{CI}:5"),
        ("dependencies", {**NODE, **ci("npm ci")}, "partial", "package.json:1"),
        ("dependencies", {**PYTHON,
         ".github/dependabot.yml": "updates:\n- package-ecosystem: github-actions\n"}, "partial",
         "pyproject.toml:1"),
        ("dependencies", {**PYTHON, ".github/dependabot.yml": "updates:\n- package-ecosystem: pip\n"}, "present",
         "pyproject.toml:1"),
        ("dependencies", {**GO, **ci("go vet ./...")}, "enforced", f"{CI}:5"),
        ("observability", PYTHON, "missing", ""),
        ("observability", {**PYTHON, "tests/test_a.py": "import logging\n"}, "missing", ""),
        ("observability", {**PYTHON, "src/app.py": "import os\nimport logging\n"}, "present", "src/app.py:2"),
        ("observability", {**PYTHON, "src/app.py": "import logging\n", "ruff.toml": '[lint]\nselect = [\n"G"]\n',
                           **ci("ruff check")}, "enforced", f"{CI}:5 -> ruff.toml:3"),
        ("observability", {**PYTHON, "src/app.py": "import logging\n", "ruff.toml": '[lint]\nselect = ["G"]\n'},
         "present",
         "src/app.py:1"),
        ("observability", {**GO, "main.go": 'package main\nimport (\n\t"log/slog"\n)\n'}, "present", "main.go:3"),
        ("observability", {**RUBY, "lib/a.rb": "require 'logger'\n"}, "present", "lib/a.rb:1"),
    ],
)  # fmt: skip
def test_states(kind: Kind, files: dict[str, str], state: str, place: str) -> None:
    found = judged(files, kind)
    assert (found.state, found.signs[0].place if found.signs else "") == (state, place), found.signs
    assert found.why


def test_the_score_is_counted() -> None:
    found = read({**GO, "main_test.go": "", **ci("go test ./...", "go build")})
    assert [one.kind for one in found.assessments] == list(KINDS)
    assert found.language == "Go"
    assert found.summary == "4 of 8 enforced by CI, 4 missing"
    assert sum(found.count(state) for state in ("enforced", "present", "partial", "missing")) == len(KINDS)


def test_the_language_is_that_of_the_product() -> None:
    assert read({"a.py": "", "docs/b.js": "", "docs/c.js": "", "x.sh": "", "y.sh": ""}).language == "Python"
    assert read({"x.sh": ""}).language == "Shell"
    assert read({}).language == ""


@pytest.mark.parametrize(
    ("files", "kind", "said", "unsaid"),
    [
        ({**PYTHON, "mypy.ini": "[mypy]\n", **ci("pytest")}, "types", f"`- run: mypy` to `{CI}`", "pyright"),
        ({**PYTHON, ".flake8": ""}, "style", "`- run: flake8`", "ruff"),
        (PYTHON, "style", "Add `ruff.toml`", "eslint"),
        ({**PYTHON, "uv.lock": ""}, "types", "uv run mypy", "npx"),
        ({**PYTHON, "uv.lock": ""}, "dependencies", "uv sync --locked", "pip-compile"),
        ({**NODE, "pnpm-lock.yaml": ""}, "style", "pnpm exec eslint", "npx"),
        (
            {**NODE, ".gitlab-ci.yml": "t: {script: npm test}\n", "t.test.js": ""},
            "style",
            "in `.gitlab-ci.yml`",
            ".github",
        ),
        ({**PYTHON, "README.md": "x", "AGENTS.md": "x"}, "docs", "", "AGENTS"),
        ({**PYTHON, "tests/test_a.py": "", "pytest.ini": "[pytest]\n"}, "unit tests", "python3 -m pytest", "unittest"),
        ({**NODE, ".npmrc": "a=b\npackage-lock=false\n"}, "dependencies", "take the line at `.npmrc:2` out", "npm ci"),
        ({**RUBY, ".gitignore": "/Gemfile.lock\n"}, "dependencies", "`.gitignore:1`", "BUNDLE_FROZEN"),
        ({**GO, "a_test.go": ""}, "build", "go build ./...", "Makefile"),
    ],
)
def test_advice_fits_what_is_there(files: dict[str, str], kind: Kind, said: str, unsaid: str) -> None:
    todo = " ".join(judged(files, kind).todo)
    assert said in todo
    assert unsaid not in todo


def test_a_new_workflow_is_described_once() -> None:
    todo = [step for one in read(PYTHON).assessments for step in one.todo if "`- run:" in step]
    assert sum(CI in step for step in todo) == 1
    assert len(todo) > 1


def test_what_is_enforced_needs_nothing() -> None:
    found = judged({**PYTHON, **ci("mypy")}, "types")
    assert (found.state, found.todo) == ("enforced", ())


def test_a_ci_file_that_cannot_be_read_is_named() -> None:
    found = read({**PYTHON, CI: "on: [\n", ".cirrus.yml": ""})
    assert [text.partition(":")[0] for text in found.blind] == [CI, ".cirrus.yml"]


def test_ci_taken_from_elsewhere_is_named() -> None:
    files = {
        **PYTHON,
        CI: "on: push\njobs:\n  a:\n    uses: org/repo/.github/workflows/x.yml@v1\n"
        "  b:\n    uses: ./.github/workflows/b.yml\n",
        ".gitlab-ci.yml": "include:\n  - local: /here.yml\n  - project: x/y\n    file: z.yml\n",
        "here.yml": "a: {script: make}\n",
    }
    assert [text.rpartition(": ")[0] for text in read(files).blind] == [f"{CI}:4", ".gitlab-ci.yml:3"]


def test_markdown_keeps_the_repositorys_text_dead() -> None:
    files = {"a.py": "", "[x](javascript:1)/b_test.py": "", "README.md": "x",
             **ci("'pytest <img src=x> @team | `id` #1'", "pytest '@team' '<b>'")}  # fmt: skip
    ground = source(files)
    text = as_markdown(report(facts_of(ground), ground), lambda place: f"https://x/{place.line}")
    assert f"[`{CI}:5`](https://x/5)" in text
    outside = re.sub(r"`[^`\n]*`", "", text)
    for alive in ("<img", "<b>", "](javascript", "@team"):
        assert alive not in outside
    assert text.count("\n## ") == 8
    assert all(len(line.split("|")) == 5 for line in text.splitlines() if line.startswith("| "))


_PATHS = [CI, "Makefile", "package.json", "pyproject.toml", "tox.ini", "noxfile.py", ".pre-commit-config.yaml",
 "pom.xml",
          "a.py", "tests/test_a.py", ".github/dependabot.yml", "ruff.toml", "Rakefile", "composer.json",
           ".gitlab-ci.yml",
          ".golangci.yml", "justfile", "build.gradle", "README.md", "a.rs", "a.go"]  # fmt: skip
_WORDS = st.sampled_from(
    ["on: push\n", "jobs:\n", "  a:\n", "    steps:\n", "      - run: ", "make", " test\n", ": ", "[", "]", "{",
     "}", "\n", "\t",
     "[tool.", "*", "&a ", "'", '"', "ruff check", "\\\n", "`", "$(", ")", "|", "<plugin>", "</plugin>", "\x00", "é"]
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(_PATHS), st.lists(_WORDS, max_size=12).map("".join), max_size=6))
def test_no_content_makes_the_report_fail(files: dict[str, str]) -> None:
    found = read(files)
    assert [one.kind for one in found.assessments] == list(KINDS)
    for one in found.assessments:
        assert (one.state == "missing") == (not one.signs)
        for sign in one.signs:
            assert sign.where.path in files
            assert 1 <= sign.where.line <= files[sign.where.path].count("\n") + 1
            assert one.state != "enforced" or not sign.trail or sign.trail[0].path in files
    as_markdown(found)
