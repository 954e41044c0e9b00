"""The past of a commit, read from real repositories: also shallow, grafted, hostile and very wide ones."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from codebase.history import pull_requests, read_blame, read_log, read_past
from repositories.commit_history import CommitHistory, _collected, commit_history
from repositories.commit_tree import commit_tree
from repositories.errors import PathRefused, RepositoryError, RevisionUnknown
from tests.repositories.conftest import plain_git, write

Source = Callable[..., Path]


def commit(folder: Path, message: str, files: Mapping[str, str | bytes | Path] | None = None) -> str:
    write(folder, files or {})
    plain_git(folder, "add", "-A", "-f")
    plain_git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return plain_git(folder, "rev-parse", "HEAD")


def test_commits_come_newest_first_with_what_they_did(source: Source) -> None:
    folder = source({"a.py": "one\ntwo\n", "b.bin": b"\0\1"})
    commit(folder, "Second (#7)", {"a.py": "one\ntwo\nthree\n", "b.bin": b"\0\2", "c.py": "new\n"})
    plain_git(folder, "mv", "a.py", "renamed.py")
    commit(folder, "Third")
    log = commit_history(folder, "HEAD").log()
    assert log.complete
    third, second, first = read_log(log.data)
    assert [one.subject for one in (third, second, first)] == ["Third", "Second (#7)", "first"]
    assert [(one.path, one.old_path, one.added) for one in third.touches] == [("renamed.py", "a.py", 0)]
    assert {one.path: (one.added, one.removed) for one in second.touches} == {
        "a.py": (1, 0), "b.bin": (None, None), "c.py": (1, 0),
    }  # fmt: skip
    assert (first.author, first.email, first.parents) == ("Ada", "ada@example.invalid", ())
    assert [one.path for one in first.touches] == ["a.py", "b.bin"]
    assert second.parents == (first.sha,)


def test_a_merged_pull_request_is_told_of_its_commits(source: Source) -> None:
    folder = source({"a.py": "1\n"})
    plain_git(folder, "checkout", "-q", "-b", "topic")
    inner = commit(folder, "On the topic", {"b.py": "x = 1\n"})
    plain_git(folder, "checkout", "-q", "main")
    direct = commit(folder, "Direct", {"a.py": "2\n"})
    plain_git(folder, "merge", "-q", "--no-ff", "-m", "Merge pull request #31 from ada/topic", "topic")
    history = commit_history(folder, "main")
    numbers = pull_requests(list(read_log(history.log().data)))
    assert numbers[inner] == 31
    assert direct not in numbers
    (line,) = read_blame(history.blame("b.py", 1, 1), numbers)
    assert (line.commit, line.author, line.pull_request, line.summary) == (inner, "Ada", 31, "On the topic")


def test_settings_attributes_and_replacements_of_the_clone_have_no_say(source: Source, tmp_path: Path) -> None:
    folder = source({"a.txt": "one\n", ".gitattributes": "*.txt diff=evil filter=evil\n"})
    marker = tmp_path / "ran"
    second = commit(folder, "Second", {"a.txt": "one\ntwo\n"})
    other = commit(folder, "Stands in for another", {"a.txt": "other\n"})
    plain_git(folder, "reset", "-q", "--hard", second)
    plain_git(folder, "replace", second, other)
    for name, value in {
        "diff.evil.textconv": f"touch {marker};", "diff.evil.command": f"touch {marker};", "diff.external": "false",
        "filter.evil.smudge": f"touch {marker};", "core.fsmonitor": f"touch {marker};", "core.pager": "false",
        "log.showSignature": "true", "gpg.program": f"touch {marker};", "log.showRoot": "false",
        "blame.ignoreRevsFile": "/no/such/file", "diff.orderFile": "/no/such/file", "mailmap.file": "/etc/passwd",
        "format.pretty": "oneline", "log.date": "relative", "diff.renames": "false", "color.ui": "always",
    }.items():  # fmt: skip
        plain_git(folder, "config", name, value)
    history = CommitHistory(commit_history(folder, "main")._git, second)
    newest, oldest = read_log(history.log().data)
    assert (newest.subject, oldest.subject) == ("Second", "first")
    assert len(oldest.touches) == 2
    assert [one.line for one in read_blame(history.blame("a.txt", 1, 2), {})] == [1, 2]
    assert not marker.exists()


def test_a_folder_of_any_name(source: Source) -> None:
    folder = source({"a.py": "1\n"}, '#odd "name"\\ with\nline end é')
    assert len(list(read_log(commit_history(folder, "HEAD").log().data))) == 1


def test_a_repository_of_sha256_names(tmp_path: Path) -> None:
    folder = tmp_path / "longer"
    folder.mkdir()
    plain_git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    name = commit(folder, "First", {"a.py": "1\n"})
    assert [one.sha for one in read_log(commit_history(folder, "HEAD").log().data)] == [name]
    assert len(name) == 64


def test_names_with_line_ends_quotes_and_bytes_that_are_no_text(source: Source) -> None:
    odd = 'quote"tab\tnew\nline\\ @\x01é.py'
    raw = os.fsdecode(b"caf\xe9\xff.py")
    folder = source({odd: "a\n", raw: "b\n", "0\t0\tfake": "c\n"})
    plain_git(folder, "mv", odd, f"@{odd}")
    commit(folder, "Odd\n\n@not\x01a header")
    tree = plain_git(folder, "rev-parse", "HEAD^{tree}")
    parent = plain_git(folder, "rev-parse", "HEAD")
    text = b"tree %s\nparent %s\nauthor J\xfc\xff <\xfe@x> 99999999999999 +9999\ncommitter A <a> 1 +0000\n\n\xff(#9)\n"
    made = plain_git(
        folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally",
        stdin=text % (tree.encode(), parent.encode()),
    )  # fmt: skip
    history = CommitHistory(commit_history(folder, "HEAD")._git, made)
    hostile, renamed, first = read_log(history.log().data)
    assert hostile.touches == ()
    assert "\N{REPLACEMENT CHARACTER}" in hostile.author + hostile.subject
    assert [(one.old_path, one.path) for one in renamed.touches] == [(odd, f"@{odd}")]
    assert {one.path for one in first.touches} == {odd, raw, "0\t0\tfake"}
    today = {file.path for file in commit_tree(folder, "HEAD").files()}
    assert set(read_past([hostile, renamed, first], today).works) == today
    (line,) = read_blame(history.blame(f"@{odd}", 1, 1), {})
    assert line.path == odd
    (line,) = read_blame(history.blame(raw, 1, 1), {})
    assert line.path == raw


def test_a_path_is_never_taken_for_a_pattern_or_an_option(source: Source) -> None:
    folder = source({"*.py": "star\n", "-p": "dash\n", "a.py": "a\n", ":(top)a": "magic\n"})
    history = commit_history(folder, "HEAD")
    for path, text in (("*.py", b"\tstar"), ("-p", b"\tdash"), (":(top)a", b"\tmagic")):
        assert text in history.blame(path, 1, 1)
    with pytest.raises(PathRefused):
        history.blame("../outside", 1, 1)
    with pytest.raises(RepositoryError):
        history.blame("no-such.py", 1, 1)
    with pytest.raises(RepositoryError):
        history.blame("a.py", 100, 100)
    with pytest.raises(RevisionUnknown):
        commit_history(folder, "no-such")


def test_a_shallow_clone_ends_where_it_ends(source: Source, tmp_path: Path) -> None:
    folder = source({"a.py": "1\n"})
    for number in range(5):
        commit(folder, f"Number {number}", {"a.py": f"{number}\nx\n"})
    clone = tmp_path / "clone"
    plain_git(tmp_path, "clone", "-q", "--depth=2", folder.as_uri(), str(clone))
    history = commit_history(clone, "HEAD")
    kept = tmp_path / "kept"
    assert history.is_shallow()
    assert not commit_history(folder, "HEAD").is_shallow()
    assert len(list(read_log(history.log(kept).data))) == 2
    assert [line.boundary for line in read_blame(history.blame("a.py", 1, 2), {})] == [False, True]
    plain_git(clone, "fetch", "-q", "--unshallow")
    assert len(list(read_log(commit_history(clone, "HEAD").log(kept).data))) == 6


def test_a_grafted_clone_is_read_as_grafted(source: Source) -> None:
    folder = source({"a.py": "1\n"})
    commit(folder, "Second", {"a.py": "2\n"})
    third = commit(folder, "Third", {"a.py": "3\n"})
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "grafts").write_text(f"{third}\n")
    log = commit_history(folder, "HEAD").log()
    assert (log.complete, [one.subject for one in read_log(log.data)]) == (True, ["Third"])


def test_a_linked_worktree_has_the_history_of_its_repository(source: Source, tmp_path: Path) -> None:
    folder = source({"a.py": "1\n"})
    plain_git(folder, "worktree", "add", "-q", str(tmp_path / "linked"))
    history = commit_history(tmp_path / "linked", "HEAD")
    assert len(list(read_log(history.log(tmp_path / "kept").data))) == 1
    assert not history.is_shallow()


def test_a_new_commit_costs_only_what_is_new(source: Source, tmp_path: Path) -> None:
    folder, kept = source({"a.py": "1\n"}), tmp_path / "kept"
    first = commit_history(folder, "HEAD").log(kept)
    commit(folder, "Second", {"a.py": "2\n"})
    second = commit_history(folder, "HEAD").log(kept)
    assert second.data.endswith(first.data)
    assert second == commit_history(folder, "HEAD").log()
    commit(folder, "Third", {"a.py": "3\n"})
    # Objects that only the old log tells of are gone: it is not asked of git again.
    old = plain_git(folder, "rev-parse", "HEAD~2^{tree}")
    (folder / ".git" / "objects" / old[:2] / old[2:]).unlink()
    assert not commit_history(folder, "HEAD").log().complete
    assert [one.subject for one in read_log(commit_history(folder, "HEAD").log(kept).data)] == [
        "Third", "Second", "first",
    ]  # fmt: skip


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_kept_log_is_read_anew(source: Source, tmp_path: Path, damage: bytes | None) -> None:
    folder, kept = source({"a.py": "1\n"}), tmp_path / "kept"
    log = commit_history(folder, "HEAD").log(kept)
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-9] if damage is None else damage)
    assert commit_history(folder, "HEAD").log(kept) == log


def test_few_logs_are_kept_and_nothing_half_written(source: Source, tmp_path: Path) -> None:
    folder, kept = source({"a.py": "1\n"}), tmp_path / "kept"
    for number in range(7):
        commit(folder, f"Number {number}", {"a.py": f"{number}\n"})
        commit_history(folder, "HEAD").log(kept)
    names = [file.name for file in kept.iterdir()]
    assert len(names) == 4
    assert all(name.split("-")[0] for name in names)
    kept.chmod(0o500)
    commit(folder, "Not to be kept", {"a.py": "last\n"})
    assert commit_history(folder, "HEAD").log(kept).complete


def test_bounds_give_the_newest_part(source: Source) -> None:
    folder = source({"a.py": "1\n"})
    for number in range(20):
        commit(folder, f"Number {number}", {"a.py": f"{number}\n"})
    history = commit_history(folder, "HEAD")
    assert [one.subject for one in read_log(history.log(commits=2).data)] == ["Number 19", "Number 18"]
    cut = history.log(limit=700)
    assert (cut.complete, len(cut.data)) == (False, 700)
    assert 0 < len(list(read_log(cut.data))) < 20


def test_a_log_that_takes_too_long_is_cut_at_what_came() -> None:
    with subprocess.Popen(
        ["sh", "-c", "printf newest; exec sleep 60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as slow:
        began = time.monotonic()
        late = _collected(slow, 1 << 20, began + 0.5)
        slow.kill()
    assert (late.data, late.complete) == (b"newest", False)
    assert time.monotonic() - began < 30


def test_lines_looked_behind(source: Source) -> None:
    folder = source({"a.py": "x=1\n"})
    first = plain_git(folder, "rev-parse", "HEAD")
    formatted = commit(folder, "Reformat", {"a.py": "x==1\n"})
    history = commit_history(folder, "HEAD")
    assert [one.commit for one in read_blame(history.blame("a.py", 1, 1), {})] == [formatted]
    ignored = [formatted, "f" * 40, "--output=/tmp/x", "HEAD"]
    assert [one.commit for one in read_blame(history.blame("a.py", 1, 1, ignored), {})] == [first]


def test_names_come_by_the_mailmap_of_the_commit(source: Source) -> None:
    folder = source({"a.py": "1\n"})
    commit(folder, "Names", {".mailmap": "Countess Lovelace <ada@example.invalid>\n"})
    assert {one.author for one in read_log(commit_history(folder, "HEAD").log().data)} == {"Countess Lovelace"}
    assert {one.author for one in read_log(commit_history(folder, "HEAD~1").log().data)} == {"Ada"}


def test_a_commit_of_a_hundred_thousand_files_is_bounded(source: Source) -> None:
    folder = source({"a.py": "1\n"})
    blob = plain_git(folder, "rev-parse", "HEAD:a.py")
    records = "".join(f"100644 {blob}\td{number % 100}/f{number}.py\n" for number in range(100_000))
    plain_git(folder, "update-index", "--index-info", stdin=records.encode())
    plain_git(folder, "commit", "-q", "-m", "Import")
    newest, _ = read_log(commit_history(folder, "HEAD").log().data)
    assert (newest.files, len(newest.touches)) == (100_000, 2_000)


def test_a_partial_clone_asks_nobody_for_what_it_lacks(source: Source, tmp_path: Path) -> None:
    folder = source({"a.py": "1\n"})
    commit(folder, "Second", {"a.py": "2\n"})
    plain_git(folder, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    plain_git(tmp_path, "clone", "-q", "--filter=blob:none", folder.as_uri(), str(clone))
    folder.rename(tmp_path / "gone")
    log = commit_history(clone, "HEAD").log(tmp_path / "kept")
    assert not log.complete
    assert not (tmp_path / "kept").exists()
    assert len(list(read_log(log.data))) <= 2
