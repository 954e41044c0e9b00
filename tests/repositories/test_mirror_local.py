"""A mirror of a folder on this machine, as `solve` has it: opening, resolving, comparing, pushing back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import (
    EmptyRepository,
    Mirror,
    MirrorBusy,
    NameRefused,
    NonFastForward,
    PathRefused,
    PushRejected,
    Remote,
    RepositoryGone,
    RevisionUnknown,
    TreeTooLarge,
)
from repositories.git import Git
from repositories.locking import exclusive
from tests.repositories.conftest import BOT, WHEN, file, plain_git, write

Source = Callable[..., Path]
Opener = Callable[[Path], Mirror]


def advance(folder: Path, files: dict[str, str], message: str = "more") -> str:
    write(folder, files)
    plain_git(folder, "add", "-A")
    plain_git(folder, "commit", "-qm", message)
    return plain_git(folder, "rev-parse", "HEAD")


def test_opening_again_uses_what_is_there(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    mirror = mirror_of(folder)
    first = mirror.resolve("main")
    later = advance(folder, {"a": "2"})
    assert mirror_of(folder).resolve("main") == first
    mirror.fetch()
    assert mirror.resolve("main") == later
    assert mirror.default_branch() == "main"
    assert plain_git(mirror.path, "config", "--list", "--local").splitlines() == [
        "core.repositoryformatversion=0",
        "core.filemode=true",
        "core.bare=true",
    ]


def test_branches_win_over_tags_and_gone_branches_go(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    first = plain_git(folder, "rev-parse", "HEAD")
    plain_git(folder, "tag", "both", first)
    second = advance(folder, {"a": "2"})
    plain_git(folder, "branch", "both")
    plain_git(folder, "branch", "short-lived")
    plain_git(folder, "tag", "-a", "-m", "x", "v1", first)
    mirror = mirror_of(folder)
    assert mirror.resolve("both") == second
    assert mirror.resolve("refs/tags/both") == first
    assert mirror.resolve("v1") == first
    assert mirror.resolve("main~1") == first
    assert mirror.resolve(first) == first
    plain_git(folder, "branch", "-D", "short-lived")
    mirror.fetch()
    with pytest.raises(RevisionUnknown):
        mirror.resolve("short-lived")
    assert mirror.has_commit(first)
    assert not mirror.has_commit("0" * 40)


def test_fetching_one_thing(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    mirror = mirror_of(folder)
    plain_git(folder, "checkout", "-q", "-b", "other")
    sha = advance(folder, {"b": "2"})
    plain_git(folder, "update-ref", "refs/pull/7/head", sha)
    mirror.fetch("refs/pull/7/head")
    assert mirror.resolve("refs/pull/7/head") == sha
    with pytest.raises(RevisionUnknown):
        mirror.resolve("other")
    mirror.fetch(sha)
    with pytest.raises(RevisionUnknown):
        mirror.fetch("refs/heads/none")
    with pytest.raises(NameRefused):
        mirror.fetch("--upload-pack=touch /tmp/x")


def test_an_empty_repository_and_a_detached_head(tmp_path: Path, source: Source, mirror_of: Opener) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    plain_git(empty, "init", "-q", "-b", "main")
    mirror = mirror_of(empty)
    for ask in (mirror.default_branch, lambda: mirror.resolve("main"), lambda: mirror.tree_tar("main")):
        with pytest.raises(EmptyRepository):
            ask()
    assert mirror.remote_head("main") is None
    folder = source({"a": "1"})
    plain_git(folder, "checkout", "-q", "--detach")
    detached = mirror_of(folder)
    assert detached.remote_tip().branch is None
    with pytest.raises(RevisionUnknown):
        detached.default_branch()


def test_no_repository_there(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(RepositoryGone):
        Mirror.open(tmp_path / "state" / "m.git", Remote(str(tmp_path / "plain")))
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["m.git.lock"]


def test_comparing_two_commits(source: Source, mirror_of: Opener) -> None:
    folder = source(
        {"keep": "k\n", "edit": "1\n2\n3\n", "old/name": "x\n" * 20, "gone": "g\n", "bin": b"\0\1", "t": "t"}
    )
    base = plain_git(folder, "rev-parse", "HEAD")
    plain_git(folder, "mv", "old/name", "new name")
    (folder / "t").unlink()
    (folder / "t").symlink_to("keep")
    (folder / "gone").unlink()
    head = advance(folder, {"edit": "1\nzwei\n3\nvier\n", "bin": "\0\2\3", "caf\u00e9": "c\n"})
    mirror = mirror_of(folder)
    changes = {change.path: change for change in mirror.changed_paths(base, head)}
    assert {path: change.status for path, change in changes.items()} == {
        "edit": "modified", "new name": "renamed", "gone": "deleted", "bin": "modified", "caf\u00e9": "added",
        "t": "type_changed",
    }  # fmt: skip
    assert (changes["edit"].added, changes["edit"].removed) == (2, 1)
    assert (changes["bin"].added, changes["bin"].removed) == (None, None)
    assert changes["new name"].old_path == "old/name"
    assert "+zwei" in mirror.diff(base, head)
    plain_git(folder, "checkout", "-q", base)
    plain_git(folder, "apply", "--index", "-", stdin=mirror.patch(base, head))
    assert plain_git(folder, "write-tree") == plain_git(folder, "rev-parse", f"{head}^{{tree}}")


def test_history(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    plain_git(folder, "checkout", "-q", "-b", "side")
    side = advance(folder, {"s": "1"}, "side work\n\nwith a body")
    plain_git(folder, "checkout", "-q", "main")
    main = advance(folder, {"m": "1"}, "main work")
    mirror = mirror_of(folder)
    base = mirror.merge_base("side", "main")
    assert base == mirror.resolve("main~1")
    assert mirror.is_ancestor(base, side)
    assert mirror.is_ancestor(side, side)
    assert not mirror.is_ancestor(side, main)
    (info,) = mirror.log(main, "side")
    assert (info.sha, info.parents, info.author_email) == (side, (base,), "ada@example.invalid")
    assert info.message == "side work\n\nwith a body"
    assert mirror.log(main, main) == []


def test_ignored_paths_are_judged_by_the_base(source: Source, mirror_of: Opener) -> None:
    folder = source({
        ".gitignore": "*.log\n!keep.log\n/build/\n!node_modules/\n",
        "sub/.gitignore": "secret\n",
        "sub/tracked.log": "tracked",
        "lib.py": "x",
    })  # fmt: skip
    mirror = mirror_of(folder)
    ours = {
        "x.log", "deep/y.log", "build/out.o", "sub/secret", "pkg/__pycache__/a.pyc", ".pytest_cache/v",
        ".venv/bin/python",
    }  # fmt: skip
    theirs = {
        "keep.log", "sub/tracked.log", "lib.py", "new.py", "src/build/x", "secret", "node_modules/a.js",
        ":(top)lib.log.py",
        os.fsdecode(b"caf\xe9"), "a b\nc",
    }  # fmt: skip
    assert mirror.ignored("main", ours | theirs) == ours
    assert mirror.ignored("main", []) == set()
    with pytest.raises(PathRefused):
        mirror.ignored("main", ["../x"])


def test_pushing_back_leaves_the_working_tree_alone(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    write(folder, {"a": "uncommitted", "untracked": "u"})
    mirror = mirror_of(folder)
    sha = mirror.commit("main", {"b": file("new")}, "m", BOT, WHEN)
    mirror.push(sha, "forgehand/1", expected=None)
    mirror.push(sha, "forgehand/1", expected=None)
    assert plain_git(folder, "rev-parse", "forgehand/1") == sha
    assert plain_git(folder, "status", "--porcelain").splitlines() == ["M a", "?? untracked"]
    assert plain_git(folder, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    later = mirror.commit(sha, {"c": file("x")}, "m2", BOT, WHEN)
    with pytest.raises(NonFastForward):
        mirror.push(later, "forgehand/1", expected=None)
    with pytest.raises(NonFastForward):
        mirror.push(later, "forgehand/1", expected="0" * 40)
    mirror.push(later, "forgehand/1", expected=sha)
    rival = mirror.commit("main", {"c": file("rival")}, "m3", BOT, WHEN)
    with pytest.raises(NonFastForward):
        mirror.push(rival, "forgehand/1", expected=later)
    assert mirror.remote_head("forgehand/1") == later


def test_the_branch_that_is_checked_out_is_refused(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    plain_git(folder, "config", "receive.denyCurrentBranch", "updateInstead")
    mirror = mirror_of(folder)
    sha = mirror.commit("main", {"a": file("2")}, "m", BOT, WHEN)
    with pytest.raises(PushRejected) as refusal:
        mirror.push(sha, "main", expected=mirror.resolve("main"))
    assert refusal.value.reason == "checked_out"
    assert (folder / "a").read_text() == "1"


@pytest.mark.parametrize(("there", "wanted"), [("forgehand", "forgehand/1"), ("forgehand/1/2", "forgehand/1")])
def test_a_name_another_branch_rules_out_is_not_waited_for(
    there: str, wanted: str, source: Source, mirror_of: Opener
) -> None:
    folder = source({"a": "1"})
    plain_git(folder, "branch", there)
    mirror = mirror_of(folder)
    sha = mirror.commit("main", {"a": file("2")}, "m", BOT, WHEN)
    with pytest.raises(PushRejected) as refusal:
        mirror.push(sha, wanted, expected=None)
    assert refusal.value.reason == "name_taken"


def test_nothing_of_a_hostile_repository_runs(source: Source, mirror_of: Opener, tmp_path: Path) -> None:
    folder = source({"a.txt": "1", ".gitattributes": "* filter=evil diff=evil merge=evil\n",
                     ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = -uwould-run\n'})  # fmt: skip
    ran = tmp_path / "ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 $@ >> {ran}\ncat\n")
    trap.chmod(0o755)
    for hook in (
        "post-checkout",
        "pre-receive",
        "update",
        "post-receive",
        "reference-transaction",
        "post-update",
        "push-to-checkout",
        "proc-receive",
        "post-index-change",
        "pre-push",
        "fsmonitor-watchman",
    ):
        (folder / ".git" / "hooks" / hook).write_text(trap.read_text())
        (folder / ".git" / "hooks" / hook).chmod(0o755)
    donor = source({"z": "z"}, "donor")
    (folder / ".git/objects/info/alternates").write_text(f"{donor}/.git/objects\n")
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "diff.external",
                "filter.evil.clean", "filter.evil.smudge", "diff.evil.command", "diff.evil.textconv", "gpg.program",
                "core.alternateRefsCommand", "credential.helper", "uploadpack.packObjectsHook", "alias.fetch",
                "core.askPass", "sequence.editor"):  # fmt: skip
        plain_git(folder, "config", key, str(trap))
    plain_git(folder, "config", "core.hooksPath", str(folder / ".git" / "hooks"))
    plain_git(folder, "config", f"url.ext::{trap}.insteadOf", str(folder))
    plain_git(folder, "config", "protocol.ext.allow", "always")
    ran.unlink(missing_ok=True)
    mirror = mirror_of(folder)
    head = mirror.commit("main", {"b": file("x")}, "m", BOT, WHEN)
    mirror.push(head, "forgehand/1", expected=None)
    mirror.fetch()
    mirror.archive("main").tar.close()
    mirror.diff("main", head)
    mirror.patch("main", head)
    mirror.changed_paths("main", head)
    mirror.ignored("main", ["x"])
    assert mirror.remote_head("forgehand/1") == head
    assert not ran.exists(), ran.read_text()


def test_threads_share_a_mirror(source: Source, tmp_path: Path) -> None:
    folder = source({f"f{n}": str(n) for n in range(50)})
    head = plain_git(folder, "rev-parse", "HEAD")
    results: list[str] = []

    def work(number: int) -> None:
        mirror = Mirror.open(tmp_path / "state" / "m.git", Remote(str(folder)))
        mirror.fetch()
        sha = mirror.commit("main", {"x": file(str(number))}, "m", BOT, WHEN)
        mirror.push(sha, f"forgehand/{number}", expected=None)
        results.append(mirror.resolve("main"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [head] * 8
    assert len(plain_git(folder, "for-each-ref", "refs/heads/forgehand").splitlines()) == 8


def test_a_lock_held_too_long_is_said(source: Source, tmp_path: Path) -> None:
    folder = source({"a": "1"})
    path = tmp_path / "state" / "m.git"
    Mirror.open(path, Remote(str(folder)))
    impatient = Mirror.open(path, Remote(str(folder)), lock_timeout=0.1)
    with exclusive(tmp_path / "state" / "m.git.lock", 1), pytest.raises(MirrorBusy):
        impatient.fetch()
    impatient.fetch()


def test_locks_of_dead_processes_are_swept(source: Source, mirror_of: Opener) -> None:
    folder = source({"a": "1"})
    mirror = mirror_of(folder)
    later = advance(folder, {"a": "2"})
    (mirror.path / "refs/heads/main.lock").parent.mkdir(parents=True, exist_ok=True)
    for name in ("refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock"):
        (mirror.path / name).write_text("")
    old = mirror.path / "objects/pack/tmp_pack_dead"
    young = mirror.path / "objects/pack/tmp_pack_alive"
    old.parent.mkdir(exist_ok=True)
    for file_ in (old, young):
        file_.write_text("")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    mirror.fetch()
    assert mirror.resolve("main") == later
    assert not old.exists()
    assert young.exists()


def test_git_is_bounded_in_time_and_output(source: Source) -> None:
    folder = source({"a": "x" * 5000})
    git = Git(folder / ".git")
    with pytest.raises(TreeTooLarge):
        git.run("cat-file", "blob", "HEAD:a", what="Read", limit=4999)
    began = time.monotonic()
    with pytest.raises(Exception, match="deadline"):
        git.run("-c", "alias.hang=!sleep 60 & sleep 60", "hang", what="Hang", timeout=0.3)
    assert time.monotonic() - began < 5


def test_the_environment_of_git_is_ours(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = source({"a": "1"})
    for name in (
        "GIT_DIR",
        "GIT_SSH_COMMAND",
        "GIT_EXTERNAL_DIFF",
        "GIT_TRACE",
        "FORGEHAND_WEBHOOK_SECRET",
        "LD_PRELOAD_X",
    ):
        monkeypatch.setenv(name, "CANARY-5a1f")
    output = Git(folder / ".git").run("-c", "alias.show-env=!env", "show-env", what="Look")
    assert b"CANARY" not in output.stdout
    assert b"HOME=/dev/null" in output.stdout
