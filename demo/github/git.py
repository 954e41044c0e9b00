"""git on the twin's bare repositories: every fact about commits comes from git itself.

Needs git 2.38 or newer (`merge-tree --write-tree` decides whether a pull request can be merged).
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ZERO = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
HOOK = Path(__file__).with_name("receive_hook.py")
_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class GitFailed(Exception):
    """git said no; the text is its own standard error."""


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:  # never changed
    """A clean environment for git: no configuration of whoever started the twin."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, **_ENV, **extra}


def run(path: Path, *args: str, data: bytes | None = None, env: Mapping[str, str] = {}) -> bytes:
    """Runs `git ARGS` in the repository at `path` and returns its output; GitFailed when it exits non-zero."""
    done = subprocess.run(["git", *args], cwd=path, input=data, capture_output=True, env=environment(env), check=False)
    if done.returncode != 0:
        raise GitFailed(done.stderr.decode("utf-8", "replace").strip() or f"git {args[0]} exited {done.returncode}")
    return done.stdout


def text(path: Path, *args: str) -> str:
    return run(path, *args).decode("utf-8", "replace").rstrip("\n")


def init_bare(path: Path, branch: str = "main") -> None:
    """A bare repository that takes pushes over HTTP and asks the twin's hook about every ref."""
    path.mkdir(parents=True, exist_ok=False)
    run(path, "init", "--quiet", "--bare", "-b", branch)
    for name, value in (
        ("http.receivepack", "true"),
        ("receive.procReceiveRefs", "refs"),
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("core.logAllRefUpdates", "false"),
        ("gc.auto", "0"),
    ):
        run(path, "config", name, value)
    hook = path / "hooks" / "proc-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(HOOK))}\n", encoding="utf-8")
    hook.chmod(0o755)


def refs(path: Path, prefix: str = "refs/") -> dict[str, str]:
    """Every ref under `prefix` with the sha it points at."""
    lines = text(path, "for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
    return {name: sha for sha, _, name in (line.partition(" ") for line in lines)}


def resolve(path: Path, rev: str) -> str | None:
    """The full sha of the commit that `rev` names (a branch before anything else), or None."""
    if not rev or rev.startswith("-"):
        return None
    for candidate in (f"refs/heads/{rev}", rev):
        try:
            return text(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
        except GitFailed:
            continue
    return None


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x01"


def commits(path: Path, *revisions: str, limit: int | None = None, oldest_first: bool = False) -> list[Commit]:
    """The commits that `git log REVISIONS` lists."""
    options = [f"--format={_FORMAT}"]
    if limit is not None:
        options.append(f"-{limit}")
    if oldest_first:
        options.append("--reverse")
    found = []
    for entry in text(path, "log", *options, *revisions, "--").split("\x00\x01"):
        fields = entry.lstrip("\n").split("\x00")
        if len(fields) < 10:
            continue
        sha, tree, parents, an, ae, ad, cn, ce, cd, message = fields[:10]
        found.append(
            Commit(sha, tree, tuple(parents.split()), Person(an, ae, ad), Person(cn, ce, cd), message.rstrip("\n"))
        )
    return found


def commit(path: Path, sha: str) -> Commit:
    return commits(path, sha, limit=1)[0]


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff. `patch` starts at its first hunk, as GitHub's does; None for a binary file."""

    filename: str
    status: Literal["added", "removed", "modified", "renamed"]
    additions: int
    deletions: int
    sha: str | None
    patch: str | None
    previous: str | None = None


_STATUS: dict[str, Literal["added", "removed", "modified", "renamed"]] = {"A": "added", "D": "removed", "R": "renamed"}


def diff(path: Path, base: str, head: str) -> list[FileDiff]:
    """The files that differ between two commits (or trees)."""
    raw = run(path, "diff-tree", "-r", "-M", "--raw", "-z", "--no-abbrev", base, head).decode("utf-8", "replace")
    numbers = run(path, "diff-tree", "-r", "-M", "--numstat", "-z", base, head).decode("utf-8", "replace")
    counts = _numstat(numbers.split("\0"))
    files = []
    fields = iter(raw.split("\0"))
    for meta in fields:
        if not meta.startswith(":"):
            continue
        _, _, _, blob, letter = meta.split(" ")
        previous = next(fields) if letter[0] in "RC" else None
        name = next(fields)
        added, deleted, binary = counts[name]
        paths = [name] if previous is None else [previous, name]
        patch = None if binary else _hunks(text(path, "diff-tree", "-p", "-M", base, head, "--", *paths))
        files.append(
            FileDiff(
                name,
                _STATUS.get(letter[0], "modified"),
                added,
                deleted,
                None if blob == ZERO else blob,
                patch,
                previous,
            )
        )
    return files


def _numstat(fields: list[str]) -> dict[str, tuple[int, int, bool]]:
    counts: dict[str, tuple[int, int, bool]] = {}
    rest = iter(fields)
    for field in rest:
        if not field:
            continue
        added, deleted, name = field.split("\t")
        if not name:  # a rename: the two names follow as fields of their own
            next(rest)
            name = next(rest)
        binary = added == "-"
        counts[name] = (0, 0, True) if binary else (int(added), int(deleted), False)
    return counts


def _hunks(patch: str) -> str:
    start = patch.find("\n@@ ")
    return patch[start + 1 :] if start >= 0 else ""


def merge_base(path: Path, one: str, other: str) -> str | None:
    try:
        return text(path, "merge-base", one, other)
    except GitFailed:
        return None


def merged_tree(path: Path, base: str, head: str) -> str | None:
    """The tree of merging `head` into `base`, or None when they conflict."""
    try:
        return text(path, "merge-tree", "--write-tree", "--no-messages", base, head)
    except GitFailed:
        return None


def commit_tree(path: Path, tree: str, parents: list[str], message: str, author: Person, committer: Person) -> str:
    """Writes one commit object and returns its sha."""
    env = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": author.date,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": committer.date,
    }
    arguments = [word for parent in parents for word in ("-p", parent)]
    return run(path, "commit-tree", tree, *arguments, data=message.encode(), env=env).decode().strip()


def object_exists(path: Path, sha: str, kind: str) -> bool:
    try:
        return text(path, "cat-file", "-t", "--", sha) == kind
    except GitFailed:
        return False
