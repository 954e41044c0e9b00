"""Editing and patching files in a real box."""

from pathlib import Path
from typing import Any

import pytest

from agent.tools import EDITING, Desk, Observation
from agent.tree import is_test
from sandboxes import Box, SandboxError
from tests.agent.bench import Stop, a_box

TOOLS = {tool.name: tool for tool in EDITING}


def use(box: Box, name: str, *, tests_only: bool = False, **arguments: Any) -> Observation:
    tool = TOOLS[name]
    desk = Desk(box, 20.0, Stop(), may_write=is_test if tests_only else lambda path: True)
    return tool.handler(desk, tool.arguments.model_validate(arguments))


def edit(box: Box, path: str, old: str, new: str, **more: Any) -> Observation:
    return use(box, "edit", path=path, old=old, new=new, **more)


def test_an_edit_shows_what_is_there_now(box: Box) -> None:
    answer = edit(box, "calc.py", "return a - b", "return a + b")
    assert answer.ok
    assert answer.edited
    assert "calc.py changed." in answer.text
    assert "    2      return a + b" in answer.text
    assert box.read("calc.py").startswith(b"def add(a, b):\n    return a + b\n")


def test_a_flexible_match_says_so(box: Box) -> None:
    answer = edit(box, "calc.py", "return a - b  \n", "return a + b\n")
    assert "found by ignoring indentation" in answer.text or "trailing space" in answer.text
    assert box.read("calc.py").startswith(b"def add(a, b):\n    return a + b\n")


def test_a_file_is_created_with_its_folders(box: Box) -> None:
    answer = edit(box, "src/new/mod.py", "", "X = 1\n")
    assert answer.ok
    assert box.read("src/new/mod.py") == b"X = 1\n"
    assert not edit(box, "src/new/mod.py", "", "X = 2\n").ok
    box.write("empty.py", b"")
    assert edit(box, "empty.py", "", "X = 3\n").ok


REFUSED = [
    ("none.py", "a", "b", "does not exist"),
    ("calc.py", "", "b", "exists already"),
    ("calc.py", "return a * b", "x", "nearest lines are"),
    ("docs", "a", "b", "is a folder"),
    ("../calc.py", "a", "b", "not a file of the repository"),
    ("/etc/passwd", "root", "x", "not a file of the repository"),
    (".", "a", "b", "not a file of the repository"),
    (".git/config", "", "x", "belongs to git"),
    ("src/.git/hooks/x", "", "x", "belongs to git"),
    ("image.bin", "a", "b", "is binary"),
    ("calc.py/x", "", "b", ""),
]


@pytest.mark.parametrize(("path", "old", "new", "said"), REFUSED)
def test_what_cannot_be_edited_is_refused(box: Box, path: str, old: str, new: str, said: str) -> None:
    box.write("image.bin", b"a\0b")
    before = dict(box.get_changes())
    try:
        answer = edit(box, path, old, new)
    except OSError:
        assert said == ""
    else:
        assert not answer.ok
        assert not answer.edited
        assert said in answer.text
    assert dict(box.get_changes()) == before


def test_a_path_in_the_workspace_may_be_absolute(box: Box) -> None:
    assert edit(box, "/work/calc.py", "return a - b", "return a + b").ok
    assert edit(box, "./docs/../calc.py", "return a + b", "return b + a").ok


SYNTAX = [
    ("calc.py", "def add(a, b):", "def add(a, b:", "would no longer parse"),
    ("data.json", '"a": 1', '"a": 1,', "would no longer parse"),
    ("conf.toml", "x = 1", "x = ", "would no longer parse"),
]


@pytest.mark.parametrize(("path", "old", "new", "said"), SYNTAX)
def test_an_edit_that_breaks_the_syntax_is_refused(box: Box, path: str, old: str, new: str, said: str) -> None:
    box.write("data.json", b'{"a": 1}')
    box.write("conf.toml", b"x = 1\n")
    before = box.read(path)
    answer = edit(box, path, old, new)
    assert not answer.ok
    assert said in answer.text
    assert box.read(path) == before


def test_a_file_that_was_broken_before_may_be_edited(box: Box) -> None:
    box.write("old.py", b"print 'two'\n")
    assert edit(box, "old.py", "two", "three").ok
    box.write("tsconfig.json", b'{"a": 1, // why\n}')
    assert edit(box, "tsconfig.json", "1", "2").ok


def test_the_boxes_own_python_has_the_last_word(box: Box) -> None:
    box.write("bin/python3", b"#!/bin/sh\ncat > /dev/null\n", executable=True)
    text = "def f[T](x: T) -> T:\n    return x\n"
    refused = edit(box, "new.py", "", text)
    assert "would no longer parse" in refused.text
    wrapped = _FirstInPath(box)
    assert edit(wrapped, "new.py", "", text).ok


class _FirstInPath:
    """The box with its workspace's bin folder first in PATH, where a Python of the future lives."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)

    def run(self, argv: Any, **options: Any) -> Any:
        return self._box.run(argv, env={"PATH": "/work/bin:/usr/bin:/bin"}, **options)


def test_an_executable_stays_executable(box: Box) -> None:
    box.write("tool.sh", b"#!/bin/sh\necho one\n", executable=True)
    assert edit(box, "tool.sh", "one", "two").ok
    assert box.run(["./tool.sh"], timeout=5).stdout == b"two\n"
    assert use(box, "apply_patch", patch="--- a/tool.sh\n+++ b/tool.sh\n@@\n-echo two\n+echo three\n").ok
    assert box.run(["./tool.sh"], timeout=5).stdout == b"three\n"


def test_other_bytes_survive_an_edit(box: Box) -> None:
    box.write("latin.txt", b"caf\xe9 one\n")
    assert edit(box, "latin.txt", "one", "two").ok
    assert box.read("latin.txt") == b"caf\xe9 two\n"


def test_where_only_tests_may_be_written(box: Box) -> None:
    assert "only test files" in edit(box, "calc.py", "a - b", "a + b", tests_only=True).text
    assert edit(box, "tests/test_new.py", "", "assert True\n", tests_only=True).ok
    patch = "--- a/test_calc.py\n+++ b/test_calc.py\n@@\n-print('all good')\n+print('good')\n"
    assert use(box, "apply_patch", tests_only=True, patch=patch).ok
    assert not use(box, "apply_patch", tests_only=True, patch=patch.replace("test_calc", "calc")).ok


BOTH = """--- a/calc.py
+++ b/calc.py
@@
-    return a - b
+    return a + b
--- /dev/null
+++ b/mul.py
@@ -0,0 +1,2 @@
+def mul(a, b):
+    return a * b
--- a/docs/notes.md
+++ /dev/null
@@ -1,3 +0,0 @@
-# Notes
-
-add adds.
"""


def test_a_patch_over_several_files(box: Box) -> None:
    answer = use(box, "apply_patch", patch=BOTH)
    assert answer.edited
    assert answer.text == "calc.py changed.\nmul.py created.\ndocs/notes.md deleted."
    assert {path: change.kind for path, change in box.get_changes().items()} == {
        "calc.py": "file",
        "mul.py": "file",
        "docs/notes.md": "deleted",
    }


NOTHING = [
    (BOTH.replace("-add adds.\n", ""), "leaves some of its lines"),
    (BOTH.replace("add adds.", "all wrong").replace("# Notes", "really"), "do not stand in the file"),
    (BOTH.replace("mul.py", "test_calc.py"), "exists already"),
    (BOTH.replace("calc.py", "none.py"), "does not exist"),
    (BOTH.replace("a * b", "a *"), "no longer parse"),
    (BOTH.replace("mul.py", "../mul.py"), "not a file of the repository"),
    ("rename from calc.py\nrename to test_calc.py\n", "cannot be renamed"),
]


@pytest.mark.parametrize(("patch", "said"), NOTHING)
def test_a_patch_is_applied_whole_or_not_at_all(box: Box, patch: str, said: str) -> None:
    answer = use(box, "apply_patch", patch=patch)
    assert not answer.ok
    assert said in answer.text
    assert dict(box.get_changes()) == {}


def test_a_write_that_fails_in_the_middle_is_taken_back(tmp_path: Path) -> None:
    large = "".join(f"+{'x' * 1000}\n" for _ in range(6000))
    first = BOTH.partition("--- /dev/null")[0]
    with a_box(tmp_path, disk_bytes=4 << 20) as box:
        with pytest.raises((SandboxError, OSError)):
            use(box, "apply_patch", patch=f"{first}--- /dev/null\n+++ b/large.txt\n@@ -0,0 +1,6000 @@\n{large}")
        assert b"return a - b" in box.read("calc.py")
        assert dict(box.get_changes()) == {}


def test_a_file_is_renamed_with_its_change(box: Box) -> None:
    patch = "rename from calc.py\nrename to maths.py\n--- a/calc.py\n+++ b/maths.py\n@@\n"
    assert use(box, "apply_patch", patch=patch + "-    return a - b\n+    return a + b\n").ok
    kinds = {path: change.kind for path, change in box.get_changes().items()}
    assert kinds == {"calc.py": "deleted", "maths.py": "file"}


def test_two_patches_of_one_file_build_on_each_other(box: Box) -> None:
    header = "--- a/docs/notes.md\n+++ b/docs/notes.md\n@@\n"
    patch = f"{header}-# Notes\n+# Title\n{header}-# Title\n+# Last\n"
    assert use(box, "apply_patch", patch=patch).ok
    assert box.read("docs/notes.md") == b"# Last\n\nadd adds.\n"
