"""Commands that run just the chosen tests."""

import shlex

import pytest

from codebase.commands import Runner, TestCommand
from codebase.source import Evidence
from codebase.testing import Selected, commands_for


def chosen(*paths: str, tests: tuple[str, ...] = ()) -> list[Selected]:
    return [Selected(path, 1.0, (), tests) for path in paths]


def known(command: str, runner: Runner) -> list[TestCommand]:
    return [TestCommand(command, runner, Evidence("x", 1))]


@pytest.mark.parametrize(
    ("tests", "commands", "script", "told"),
    [
        (chosen("tests/test_a.py"), known("python3 -m pytest", "pytest"), "", "python3 -m pytest tests/test_a.py"),
        (chosen("tests/test_a.py"), [], "", "python3 -m pytest tests/test_a.py"),
        (
            chosen("tests/test_a.py", tests=("TestA.test_x", "test_y")), known("uv run pytest -x tests", "pytest"), "",
            "uv run pytest tests/test_a.py::TestA::test_x tests/test_a.py::test_y",
        ),
        (chosen("tests/test_a.py", tests=("helper",)), known("cd x && pytest", "pytest"), "",
         "python3 -m pytest tests/test_a.py"),
        (chosen("tests/test_a.py"), known("python -m unittest discover -s tests -t .", "unittest"), "",
         "python -m unittest tests/test_a.py"),
        (chosen("tests/test_a.py"), known("make test", "make"), "", "python3 -m pytest tests/test_a.py"),
        (chosen("a b/test_a.py", "-x/test_b.py"), [], "", "python3 -m pytest 'a b/test_a.py' ./-x/test_b.py"),
        (chosen("cart/cart_test.go", "cart_test.go"), known("go test ./...", "go"), "", "go test ./cart ."),
        (chosen("cart/cart_test.go", tests=("TestTotal", "helper")), [], "", "go test -run '^(TestTotal)$' ./cart"),
        (chosen("src/a.test.ts"), known("npm test", "npm"), "jest --coverage", "npx jest src/a.test.ts"),
        (chosen("a.test.tsx", "b.test.js"), known("npm test", "npm"), "vitest", "npx vitest run a.test.tsx b.test.js"),
        (chosen("test/a.js"), known("npm test", "npm"), "nyc mocha --recursive", "npx mocha test/a.js"),
        (chosen("test/a.js"), known("npm test", "npm"), "node --test", "node --test test/a.js"),
        (chosen("test/a.js"), known("npm test", "npm"), "gulp", "npm test -- test/a.js"),
        (chosen("tests/cart.rs", "crates/x/tests/user.rs"), known("cargo test", "cargo"), "",
         "cargo test --test cart --test user"),
        (chosen("src/cart/tests.rs"), known("cargo test", "cargo"), "", "cargo test -- cart"),
        (chosen("src/test/java/CartTest.java"), known("mvn -B verify", "other"), "", "mvn -q test -Dtest=CartTest"),
        (chosen("src/test/java/CartTest.java"), known("./gradlew check", "other"), "",
         "./gradlew test --tests CartTest"),
        (chosen("spec/cart_spec.rb"), [], "", "bundle exec rspec spec/cart_spec.rb"),
        (chosen("test/cart_test.rb"), [], "", "bundle exec ruby -Ilib -Itest -r ./test/cart_test.rb -e ''"),
        (chosen("tests/CartTest.php"), [], "", "vendor/bin/phpunit --filter '(CartTest)'"),
        (chosen("Tests/CartTests.cs"), [], "", "dotnet test --filter 'FullyQualifiedName~CartTests'"),
    ],
)  # fmt: skip
def test_one_language(tests: list[Selected], commands: list[TestCommand], script: str, told: str) -> None:
    assert commands_for(tests, commands, script) == [told]


def test_several_languages_and_those_without_a_runner() -> None:
    tests = chosen("tests/test_a.py", "src/a.test.ts", "test/a.c", "src/test/java/ATest.java", "cart/cart_test.go")
    assert commands_for(tests, []) == ["python3 -m pytest tests/test_a.py", "go test ./cart"]
    assert commands_for(chosen("tests/a.rs", "src/b/tests.rs"), []) == []
    assert commands_for([], []) == []


@pytest.mark.parametrize("path", ["tests/test_$(touch x).py", "tests/test_'; rm -rf y #.py", "tests/test_`id`.py"])
def test_a_path_stays_one_word(path: str) -> None:
    (command,) = commands_for(chosen(path), [])
    assert shlex.split(command) == ["python3", "-m", "pytest", path]


@pytest.mark.parametrize("path", ["tests/test_\n.py", "tests/test_\udcff.py", "tests/test_\x1b[31m.py"])
def test_what_no_shell_line_can_say_is_left_out(path: str) -> None:
    assert commands_for(chosen(path), []) == []


def test_few_files_are_named() -> None:
    (command,) = commands_for(chosen(*(f"tests/test_{number}.py" for number in range(100))), [])
    assert command.count(".py") == 20
