"""Shell text read without running it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.shell import bare, simple_commands


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("make ci", [("make ci", 0, False)]),
        ("a && b; c | tee d", [("a", 0, False), ("b", 0, False), ("c", 0, False), ("tee d", 0, False)]),
        ("a || true\nb || exit 1", [("a", 0, True), ("true", 0, False), ("b", 1, False), ("exit 1", 1, False)]),
        ("cargo test \\\n  --all\nx", [("cargo test --all", 0, False), ("x", 2, False)]),
        ("# no\nmake # yes", [("make", 1, False)]),
        ("if [ -n x ]; then make lint; fi", [("[ -n x ]", 0, False), ("make lint", 0, False), ("fi", 0, False)]),
        ("cat <<EOF\nmake test\nEOF\nmake", [("cat <<EOF", 0, False), ("make", 3, False)]),
        ("set +e\nmypy\nset -e\nruff", [("mypy", 1, True), ("ruff", 3, False)]),
        ("npm run ${{ matrix.x || 'y' }} -- -p", [("npm run $_ -- -p", 0, False)]),
        ("echo 'unclosed", [("echo 'unclosed", 0, False)]),
        ("", []),
    ],
)
def test_simple_commands(script: str, expected: list[tuple[str, int, bool]]) -> None:
    assert [(str(one), one.line, one.forgiven) for one in simple_commands(script)] == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("uv run --locked --group pre-commit pre-commit run --all-files", "pre-commit run --all-files"),
        ("FOO=1 sudo -E python3.11 -m pytest -q", "pytest -q"),
        ("npx -y prettier@3 --check .", "prettier --check ."),
        ("./vendor/bin/psalm.phar --no-progress", "psalm --no-progress"),
        ("nyc --exclude examples mocha test/", "mocha test/"),
        ("coverage run -m unittest discover", "unittest discover"),
        (".venv/bin/ruff check .", "ruff check ."),
        ("bundle exec rake", "rake"),
        ("python setup.py build", "python setup.py build"),
        ("xvfb-run -a npm test", "npm test"),
        ("A=b", ""),
        ("uv run", "uv run"),
    ],
)
def test_what_only_starts_a_command_is_left_out(words: str, expected: str) -> None:
    assert " ".join(bare(tuple(words.split()))) == expected


@given(st.text(alphabet="ab'\"\\\n;|&(){}$<E# -=`", max_size=60))
def test_no_script_makes_reading_fail(script: str) -> None:
    for one in simple_commands(script):
        assert one.words
        assert 0 <= one.line <= script.count("\n") + 1
        bare(one.words)
