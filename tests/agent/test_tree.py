"""What a command did to the tree, what counts as left behind, what counts as a test; and whether a file parses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tools.syntax import broken
from agent.tree import altered, digests, is_leftover, is_test
from sandboxes import FileChange

PATHS = [
    ("src/app.py", False, False),
    ("tests/test_app.py", False, True),
    ("tests/data/input.bin", False, True),
    ("test_app.py", False, True),
    ("src/app_test.go", False, True),
    ("web/button.spec.ts", False, True),
    ("web/button.test.tsx", False, True),
    ("src/AppTest.java", False, True),
    ("conftest.py", False, True),
    ("src/__tests__/a.js", False, True),
    ("src/contest.py", False, False),
    ("src/latest.py", False, False),
    ("src/protest_banner.py", False, False),
    ("__pycache__/a.cpython-311.pyc", True, False),
    ("tests/__pycache__/test_a.pyc", True, True),
    (".pytest_cache/v/cache", True, False),
    ("node_modules/left/index.js", True, False),
    ("build/lib/a.py", True, False),
    ("thing.egg-info/PKG-INFO", True, False),
    (".coverage", True, False),
    (".coverage.host.12", True, False),
    ("coverage.xml", True, False),
    ("reports/junit-1.xml", True, False),
    ("run.log", True, False),
    ("builder.py", False, False),
    ("data.xml", False, False),
    ("package.json", False, False),
]


@pytest.mark.parametrize(("path", "leftover", "test"), PATHS)
def test_paths(path: str, leftover: bool, test: bool) -> None:
    assert (is_leftover(path), is_test(path)) == (leftover, test)


changes = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.builds(FileChange, st.sampled_from(["file", "symlink", "deleted"]), st.booleans(), st.binary(max_size=2)),
)


@given(changes, changes)
def test_altered_names_exactly_the_paths_that_differ(
    before: dict[str, FileChange], after: dict[str, FileChange]
) -> None:
    expected = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert altered(digests(before), digests(after)) == expected


SOURCES = [
    ("a.py", "x = 1\n", None),
    ("a.py", "def f(:\n    pass\n", "at line 1: 'def f(:'"),
    ("a.py", "x = '\\d'\n", None),
    ("a.py", "x = 1\0", "null bytes"),
    ("a.pyi", "def f() -> int: ...\n", None),
    ("a.py", "(" * 5000, "at line 1"),
    ("a.json", "{}", None),
    ("a.json", '{"a": }', "line 1 column 7"),
    ("a.toml", "x = 1\n", None),
    ("a.toml", "x = \n", "line 1"),
    ("a.txt", "def f(:", None),
    ("Makefile", "(", None),
]


@pytest.mark.parametrize(("path", "text", "said"), SOURCES)
def test_syntax(path: str, text: str, said: str | None) -> None:
    complaint = broken(path, text)
    assert complaint is None if said is None else complaint is not None and said in complaint
