"""What a repository says about itself, with evidence, and nothing it holds can make the reading fail."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase import Evidence, Facts, owners_of, read_facts, runner_of


def facts(files: Mapping[str, str | bytes]) -> Facts:
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return read_facts(lambda: list(contents), contents.get)


def commands(files: Mapping[str, str | bytes]) -> list[tuple[str, str, str]]:
    return [(found.command, found.runner, str(found.where)) for found in facts(files).test_commands]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.py": "x"}, []),
        (
            {"pyproject.toml": "[project]\nname = 'x'\n\n[tool.pytest.ini_options]\n", "tests/test_a.py": "x"},
            [("python3 -m pytest", "pytest", "pyproject.toml:4")],
        ),
        ({"setup.cfg": "[metadata]\n[tool:pytest]\n"}, [("python3 -m pytest", "pytest", "setup.cfg:2")]),
        ({"pytest.ini": "[pytest]\n"}, [("python3 -m pytest", "pytest", "pytest.ini:1")]),
        ({"sub/conftest.py": ""}, [("python3 -m pytest", "pytest", "sub/conftest.py:1")]),
        ({"test_a.py": "import os\nimport pytest\n"}, [("python3 -m pytest", "pytest", "test_a.py:2")]),
        ({"test_a.py": "def test_x(): pass\n"}, [("python3 -m pytest", "pytest", "test_a.py:1")]),
        (
            {"tests/test_a.py": "\nimport unittest\n"},
            [("python3 -m unittest discover -v -s tests", "unittest", "tests/test_a.py:2")],
        ),
        (
            {"tests/__init__.py": "", "tests/test_a.py": "from unittest import TestCase\n"},
            [("python3 -m unittest discover -v -s tests -t .", "unittest", "tests/test_a.py:1")],
        ),
        ({"test_a.py": "import unittest"}, [("python3 -m unittest discover -v", "unittest", "test_a.py:1")]),
        (
            {"package.json": '{\n "scripts": {\n  "test": "jest"\n }\n}'},
            [("npm test", "npm", "package.json:3")],
        ),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": '{"scripts": ["test"]}'}, []),
        ({"go.mod": "// x\nmodule m\n"}, [("go test ./...", "go", "go.mod:2")]),
        ({"Cargo.toml": "[package]\nname='x'\n"}, [("cargo test", "cargo", "Cargo.toml:1")]),
        ({"Makefile": "all:\n\ttrue\ntest: all\n\tpytest\ntest_x:\n"}, [("make test", "make", "Makefile:3")]),
        ({"Makefile": "test := x\ncheck ::= y\n"}, []),
        ({"pom.xml": "<project/>", "a/src/test/java/ATest.java": ""}, [("mvn -B test", "other", "pom.xml:1")]),
        ({"pom.xml": "<project/>"}, []),
        ({"build.gradle.kts": "", "src/test/kotlin/A.kt": ""}, [("./gradlew test", "other", "build.gradle.kts:1")]),
        ({"Gemfile": "", "spec/a_spec.rb": ""}, [("bundle exec rspec", "other", "Gemfile:1")]),
        ({"Rakefile": "Rake::TestTask.new\n", "test/a_test.rb": ""},
         [("bundle exec rake test", "other", "Rakefile:1")]),
        ({"Rakefile": "task :x\n", "test/a_test.rb": ""}, []),
        ({"phpunit.xml.dist": "", "tests/ATest.php": ""}, [("vendor/bin/phpunit", "other", "phpunit.xml.dist:1")]),
        ({"A.sln": "", "test/A.Tests/BTests.cs": ""}, [("dotnet test", "other", "A.sln:1")]),
        ({"mix.exs": "", "test/a_test.exs": ""}, [("mix test", "other", "mix.exs:1")]),
        (
            {"tox.ini": "[tox]\n[testenv]\ndeps = x\ncommands =\n  pytest {posargs:tests}\n  echo done\n"},
            [("pytest", "pytest", "tox.ini:5")],
        ),
        (
            {".github/workflows/ci.yml": (
                "jobs:\n  a:\n    steps:\n      - run: pip install x\n      - run: |\n          make build\n"
                "          make test\n      - run: pytest ${{ matrix.x }}\n      - run: go test ./...\n"
            )},
            [("make test", "make", ".github/workflows/ci.yml:7"),
             ("go test ./...", "go", ".github/workflows/ci.yml:9")],
        ),
    ],
)  # fmt: skip
def test_test_commands(files: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    assert commands(files) == expected


def test_the_owners_words_go_first_and_nothing_comes_twice() -> None:
    found = commands(
        {
            ".forgehand.yml": "setup: pip install -e .\ntest:\n  - make quick\n  - python3 -m pytest\n",
            "pytest.ini": "[pytest]\n",
            "Makefile": "test:\n",
        }
    )
    assert [command for command, _, _ in found] == ["make quick", "python3 -m pytest", "make test"]
    assert found[0][2] == ".forgehand.yml:2"


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        ("python3 -m pytest -q", "pytest"),
        (".venv/bin/pytest", "pytest"),
        ("python -m unittest", "unittest"),
        ("go test ./...", "go"),
        ("go build", "other"),
        ("cargo nextest run", "cargo"),
        ("npx vitest run", "npm"),
        ("make all", "other"),
        ("echo 'unclosed", "other"),
        ("", "other"),
    ],
)
def test_runners(command: str, runner: str) -> None:
    assert runner_of(command) == runner


def test_settings_of_a_repository() -> None:
    settings = facts({".forgehand.yml": "base: develop\nimage: registry.example:5000/team/img:1\ntest: make t\nx: 1\n"})
    assert settings.settings is not None
    assert settings.settings.usable
    assert (settings.settings.base, settings.settings.test) == ("develop", ("make t",))
    (problem,) = settings.settings.problems
    assert (problem.level, str(problem.where)) == ("warning", ".forgehand.yml:4")
    assert "'x'" in problem.message
    assert facts({}).settings is None
    empty = facts({".forgehand.yaml": "# nothing yet\n"}).settings
    assert empty is not None
    assert empty.usable


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("- a\n", "mapping"),
        ("test: {a: b}\n", "'test'"),
        ("test: 7\n", "'test'"),
        ("test: []\n", "'test'"),
        ("test: ''\n", "'test'"),
        ("test: [a, [b]]\n", "'test'"),
        ("test: yes\n", "'test'"),
        ("base: -x\n", "'base'"),
        ("base: a..b\n", "'base'"),
        ("base: [main]\n", "'base'"),
        ("image: 'a b; rm -rf /'\n", "'image'"),
        ("base: a\nbase: b\n", "twice"),
        ("test: [a\n", "not YAML"),
        ("test: !!python/object/apply:os.system [id]\n", "'test'"),
        ("a: &a [x]\nb: [*a, *a]\ntest: *a\nbase: 1\n", "'base'"),
    ],
)
def test_settings_that_are_wrong_are_named(text: str, named: str) -> None:
    found = facts({".forgehand.yml": text, "pytest.ini": "[pytest]\n"})
    assert found.settings is not None
    assert not found.settings.usable
    assert any(named in problem.message for problem in found.settings.problems)
    assert [command.where.path for command in found.test_commands] == ["pytest.ini"], "a wrong file speaks for nothing"


def test_instructions_nearest_last() -> None:
    found = facts(
        {
            "AGENTS.md": "root",
            "CLAUDE.md": "not read: AGENTS.md is there",
            "src/pkg/AGENTS.md": "inner",
            "src/CLAUDE.md": "middle",
            "docs/CLAUDE.md": "../AGENTS.md",
            "other/AGENTS.md": "elsewhere",
            "CONTRIBUTING.md": "how to",
            ".github/copilot-instructions.md": "x" * 40_000,
            "empty/AGENTS.md": "  \n",
        }
    )
    assert [one.path for one in found.instructions_for("src/pkg/mod.py")] == [
        ".github/copilot-instructions.md", "CONTRIBUTING.md", "AGENTS.md", "src/CLAUDE.md", "src/pkg/AGENTS.md",
    ]  # fmt: skip
    assert found.instructions[0].truncated
    assert len(found.instructions[0].text) == 32 << 10
    assert "docs/CLAUDE.md" not in [one.path for one in found.instructions], "it only names another file"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (
            {".github/PULL_REQUEST_TEMPLATE.md": "a", "pull_request_template.md": "b"},
            ".github/PULL_REQUEST_TEMPLATE.md",
        ),
        ({"docs/pull_request_template.txt": "a"}, "docs/pull_request_template.txt"),
        ({".github/PULL_REQUEST_TEMPLATE/feature.md": "a"}, ".github/PULL_REQUEST_TEMPLATE/feature.md"),
        ({"src/pull_request_template.md": "a", "pull_request_template.py": "b"}, None),
    ],
)
def test_the_pull_request_template(files: dict[str, str], path: str | None) -> None:
    found = facts(files)
    assert found.template_path == path
    assert found.template == (files[path] if path else None)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("README.md", "@all"),
        ("src/app.js", "@js"),
        ("docs/guide.md", "@docs"),
        ("docs/deep/guide.md", "@all"),
        ("apps/x/y.txt", "@apps"),
        ("lib/apps/x.txt", "@apps"),
        ("build/logs/a.txt", "@root"),
        ("x/build/logs/a.txt", "@all"),
        ("a/b/test/x.txt", "@deep"),
        ("vendor/x.txt", None),
    ],
)
def test_code_owners_last_match_counts(path: str, owner: str | None) -> None:
    rules = facts(
        {
            "CODEOWNERS": "* @nobody\n",
            ".github/CODEOWNERS": (
                "# comment\n* @all # trailing\n*.js @js\n\napps/ @apps\n/build/logs/ @root\ndocs/* @docs\n"
                "a/**/test/ @deep\nvendor/\n!negated @x\n[section] @y\n"
            ),
        }
    ).owners
    assert rules[0].where == Evidence(".github/CODEOWNERS", 2)
    assert owners_of(path, rules) == ((owner,) if owner else ())


def test_languages_are_counted_without_other_peoples_files() -> None:
    found = facts({"a.py": "", "b.py": "", "c.ts": "", "node_modules/x.js": "", "vendor/y.go": "", "noext": ""})
    assert list(found.languages.items()) == [("Python", 2), ("TypeScript", 1)]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("package.json", b"{"),
        ("package.json", b"[" * 100_000),
        ("package.json", b"\xff\xfe{"),
        ("pyproject.toml", b"a = ["),
        ("pyproject.toml", b"a = " + b"[" * 5000),
        ("pyproject.toml", b"x" * (10 << 20)),
        ("tox.ini", b"no section\n"),
        (".github/workflows/ci.yml", b"a: [\n"),
        (".github/workflows/ci.yml", b"[" * 5000),
        (".forgehand.yml", b"\x00\x01"),
        (".forgehand.yml", b"# " + b"x" * (70 << 10)),
        ("AGENTS.md", b"\xff" * 10),
        ("AGENTS.md", b"a" * (10 << 20)),
        ("Makefile", b"\x80test:\n"),
        ("CODEOWNERS", b"\xfe\n"),
    ],
)
def test_malformed_files_are_recorded_not_raised(path: str, content: bytes) -> None:
    found = facts({path: content})
    assert [one.path for one in found.unreadable] == [path]
    assert found.unreadable[0].why
    assert found.test_commands == ()


def test_a_file_the_mirror_refuses_is_recorded() -> None:
    def refuse(path: str) -> bytes:
        raise ValueError("17000000 bytes, the limit is 16777216")

    found = read_facts(lambda: ["AGENTS.md"], refuse)
    assert [(one.path, one.why) for one in found.unreadable] == [("AGENTS.md", "17000000 bytes, the limit is 16777216")]


def test_aliases_do_not_multiply() -> None:
    layers = "a0: &a0 [run, run]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert facts({".github/workflows/bomb.yml": layers}).test_commands == ()


_FILES = ["package.json", "pyproject.toml", "tox.ini", "setup.cfg", "Makefile", "go.mod", "Cargo.toml", "AGENTS.md",
          ".forgehand.yml", "CODEOWNERS", ".github/workflows/ci.yml", "tests/test_a.py"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(_FILES), st.one_of(st.binary(max_size=60), st.text(max_size=60))))
def test_no_content_makes_reading_fail(files: dict[str, str | bytes]) -> None:
    found = facts({path: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
                   for path, text in files.items()})  # fmt: skip
    assert all(command.where.path in files for command in found.test_commands)
