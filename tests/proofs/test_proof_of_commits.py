"""The three rooms together: facts of a base commit, a box's changes committed, and the commit proven and pushed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from codebase import read_facts
from proofs import Proof, ProofPlan, Reproduction, prove
from repositories import Mirror, Remote, Signature
from sandboxes import Box

ODD = os.fsdecode(b"data/caf\xe9.txt")
SUITE = """import unittest
from slug import slug


class Slugs(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(slug("Ab c"), "ab-c")
"""


def repository(folder: Path) -> Path:
    """A small repository with everything that could get in the way of its tree's round trip."""
    files = {
        "slug.py": 'def slug(text):\n    return text.lower().replace(" ", "-")\n',
        "tests/__init__.py": "",
        "tests/test_slug.py": SUITE,
        ".gitignore": "*.log\n",
        ODD: "latin",
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    (folder / "outside").symlink_to("/etc/hostname")
    (folder / "inside").symlink_to("slug.py")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *args], cwd=folder, env=env, check=True, capture_output=True)
    return folder


def test_from_a_box_to_a_proven_branch(make_box: Callable[[str], Box], tmp_path: Path) -> None:
    folder = repository(tmp_path / "source")
    mirror = Mirror.open(tmp_path / "mirrors" / "m.git", Remote(str(folder)))
    base = mirror.resolve("main")
    facts = read_facts(partial(mirror.list_files, base), partial(mirror.read_file, base))
    assert [command.runner for command in facts.test_commands] == ["unittest"]

    archive = mirror.archive(base)
    assert [left.path for left in archive.report.left_out] == ["outside"]
    with make_box("agent") as box:
        box.put_tree(archive.tar)
        archive.tar.close()
        assert box.get_changes() == {}, "the tree arrives as it is committed"
        box.write("slug.py", b'def slug(text):\n    return "-".join(text.lower().split())\n')
        box.write("tests/test_spaces.py", b"from slug import slug\nassert slug(' a  b ') == 'a-b'\n")
        box.write("debug.log", b"noise")
        box.run(["python3", "-c", "import slug"], timeout=30)
        changes = dict(box.get_changes())
    unwanted = mirror.ignored(base, changes)
    assert "debug.log" in unwanted
    wanted = {path: change for path, change in changes.items() if path not in unwanted}
    assert set(wanted) == {"slug.py", "tests/test_spaces.py"}
    when = datetime(2026, 1, 1, tzinfo=UTC)
    head = mirror.commit(base, wanted, "Join words by one dash", Signature("Forgehand", "bot@example.invalid"), when)

    plan = ProofPlan(
        (facts.test_commands[0].command,),
        Reproduction("PYTHONPATH=. python3 tests/test_spaces.py", ("tests/test_spaces.py",)),
        timeout_s=60,
    )
    changed = {change.path: change.status for change in mirror.changed_paths(base, head)}
    proof = prove(
        make_box, partial(mirror.tree_tar, base), partial(mirror.tree_tar, head), plan,
        base_sha=base, head_sha=head, changed=changed,
    )  # fmt: skip
    assert proof.verdict == "proven", proof
    assert proof.kept == ("tests.test_slug.Slugs.test_plain",)
    assert proof.touched["tests"] == ("tests/test_spaces.py",)
    assert Proof.from_json(proof.to_json()) == proof
    mirror.push(head, "forgehand/slug", expected=None)
    assert mirror.remote_head("forgehand/slug") == head
    assert mirror.read_file(head, ODD) == b"latin"
    assert mirror.read_file(head, "outside") == b"/etc/hostname", "what was left out of the box stays in the repository"
