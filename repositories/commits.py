"""A change that came out of a sandbox becomes a commit: judged path by path, and made without a working tree."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from repositories.errors import EmptyChange, NameRefused, PathRefused, TreeTooLarge
from repositories.git import Git
from repositories.links import leaves_tree
from repositories.names import check_identity, check_path, collision_key, parents
from repositories.objects import EXECUTABLE, FILE, SUBMODULE, SYMLINK, list_tree
from repositories.trees import link_targets
from sandboxes.contract import ChangeSet, FileChange

MAX_FILE_BYTES = 100 << 20  # GitHub refuses larger files: docs.github.com, "About large files on GitHub"
_NEVER_LINKS = (".gitmodules", ".gitattributes", ".gitignore", ".mailmap")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who a commit is by. `name` and `email` may not hold angle brackets or control characters (NameRefused)."""

    name: str
    email: str

    def __post_init__(self) -> None:
        check_identity(self.name, "name")
        check_identity(self.email, "address")


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a change does to a tree: paths that go, and paths that come with their mode."""

    removed: frozenset[str]
    added: Mapping[str, str]


def admit(tree: Mapping[str, str], links: Mapping[str, str], changes: ChangeSet) -> Admitted:
    """Judges `changes` against a tree (path to mode) and its symlinks (path to target). Pure.

    A file where the tree has a folder replaces it, and the other way round. Deleting what the tree lacks is nothing.
    Raises PathRefused for: an unsafe path, writing through a symlink or into a submodule, two paths of which one would
    be the other's folder, a link that leads out of the tree, a new path that differs from another only in case.
    """
    added: dict[str, str] = {}
    removed: set[str] = set()
    for path, change in changes.items():
        check_path(path)
        if tree.get(path) == SUBMODULE:
            raise PathRefused(f"Path refused: {path!r}", "it is a submodule", "Leave submodules as they are")
        if change.kind == "deleted":
            removed.add(path)
        else:
            added[path] = _mode(path, change)
    removed &= tree.keys()
    removed |= _displaced(tree, added, removed)
    result = {path: mode for path, mode in tree.items() if path not in removed} | added
    new_links = [path for path, mode in added.items() if mode == SYMLINK]
    targets = {path: changes[path].content.decode("utf-8", "surrogateescape") for path in new_links}
    _check_links(links, targets, result)
    _check_collisions(tree, added, result)
    return Admitted(frozenset(removed), added)


def _mode(path: str, change: FileChange) -> str:
    if len(change.content) > MAX_FILE_BYTES:
        raise TreeTooLarge(
            f"Could not commit {path!r}", f"it has more than {MAX_FILE_BYTES >> 20} MiB", "Leave it out of the change"
        )
    if change.kind == "symlink":
        if path.rsplit("/", 1)[-1].lower() in _NEVER_LINKS:
            raise PathRefused(f"Path refused: {path!r}", "git refuses this file as a link", "Make it a plain file")
        return SYMLINK
    return EXECUTABLE if change.executable else FILE


def _displaced(tree: Mapping[str, str], added: Mapping[str, str], removed: set[str]) -> set[str]:
    """Paths of the tree that have to go because an added path needs their place."""
    displaced: set[str] = set()
    for path in added:
        for parent in parents(path):
            if parent in added:
                raise PathRefused(f"Path refused: {path!r}", f"{parent!r} is a file in the same change", "Keep one")
            mode = tree.get(parent)
            if mode is None or parent in removed:
                continue
            if mode in (SYMLINK, SUBMODULE):
                kind = "a symbolic link" if mode == SYMLINK else "a submodule"
                raise PathRefused(f"Path refused: {path!r}", f"{parent!r} is {kind}", "Write to the real place")
            displaced.add(parent)
    for path, mode in tree.items():
        if path not in removed and any(parent in added for parent in parents(path)):
            if mode == SUBMODULE:
                raise PathRefused(f"Path refused: {path!r}", "a submodule would be replaced", "Leave submodules alone")
            displaced.add(path)
    return displaced


def _check_links(before: Mapping[str, str], new: Mapping[str, str], result: Mapping[str, str]) -> None:
    if not new:
        return
    after = {path: target for path, target in before.items() if result.get(path) == SYMLINK} | dict(new)
    for path, target in after.items():
        if leaves_tree(path, target, after) and (path in new or not leaves_tree(path, target, before)):
            raise PathRefused(f"Link refused: {path!r}", "it would lead out of the tree", "Point it inside the tree")


def _check_collisions(tree: Mapping[str, str], added: Mapping[str, str], result: Mapping[str, str]) -> None:
    """Case twins that are already there stay workable; a change may not make new ones (CVE-2021-21300 and its kin)."""
    new = {name for path in added.keys() - tree.keys() for name in (path, *parents(path))}
    if not new:
        return
    known = {name for path in tree for name in (path, *parents(path))}
    new -= known
    keys: dict[str, set[str]] = {}
    for path in result:
        for name in (path, *parents(path)):
            keys.setdefault(collision_key(name), set()).add(name)
    for name in sorted(new):
        twins = keys.get(collision_key(name), set()) - {name}
        if twins:
            raise PathRefused(
                f"Path refused: {name!r}", f"it differs from {min(twins)!r} only in case or accents", "Rename it"
            )


def make_commit(git: Git, parent: str, changes: ChangeSet, message: str, author: Signature, when: datetime) -> str:
    """Writes a commit on `parent` with `changes` and returns its name; the same inputs give the same name.

    `message` is stored as it is, with one line end added; `author` is also the committer; `when` must know its zone.
    Raises EmptyChange, PathRefused, TreeTooLarge, NameRefused.
    """
    if "\0" in message or not message.strip():
        raise NameRefused("Commit message refused", "it is empty or holds a NUL", "Write a message")
    if when.tzinfo is None:
        raise NameRefused("Commit date refused", "it has no time zone", "Give an aware datetime")
    entries = list_tree(git, parent)
    links = link_targets(git, entries)
    admitted = admit({entry.path: entry.mode for entry in entries}, links, changes)
    with tempfile.TemporaryDirectory(prefix="forgehand-commit-") as scratch:
        blobs = _write_blobs(git, Path(scratch), {path: changes[path].content for path in admitted.added})
        tree = _write_tree(git, Path(scratch, "index"), parent, admitted, blobs)
    if tree == git.text("rev-parse", "--verify", f"{parent}^{{tree}}", what="Could not read the parent's tree"):
        raise EmptyChange("Nothing to commit", "the change leaves every file as it was", "Change something first")
    date = f"@{int(when.timestamp())} {when.strftime('%z')[:5]}"
    identity = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", author.name), ("EMAIL", author.email), ("DATE", date))
    }
    committed = git.run(
        "commit-tree", tree, "-p", parent,
        what="Could not write the commit", stdin=message.rstrip("\n").encode("utf-8", "replace") + b"\n", env=identity,
    )  # fmt: skip
    return committed.stdout.decode("ascii").strip()


def _write_blobs(git: Git, scratch: Path, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Stores `contents` as they are (no filter, no line-end conversion); path to object name."""
    if not contents:
        return {}
    names: list[bytes] = []
    for number, content in enumerate(contents.values()):
        file = scratch / str(number)
        file.write_bytes(content)
        names.append(str(file).encode())
    stored = git.run(
        "hash-object", "-w", "-t", "blob", "--no-filters", "--stdin-paths",
        what="Could not store the changed files", stdin=b"\n".join(names) + b"\n",
    )  # fmt: skip
    return dict(zip(contents, stored.stdout.decode("ascii").split(), strict=True))


def _write_tree(git: Git, index: Path, parent: str, admitted: Admitted, blobs: Mapping[str, str]) -> str:
    env = {"GIT_INDEX_FILE": str(index)}
    git.run("read-tree", parent, what="Could not read the parent's tree", env=env)
    # Removals come first, so that a folder's place is free when a file takes it.
    records = [f"0 {'0' * len(parent)}\t{path}" for path in sorted(admitted.removed - admitted.added.keys())]
    records += [f"{mode} {blobs[path]}\t{path}" for path, mode in sorted(admitted.added.items())]
    lines = "".join(f"{record}\0" for record in records).encode("utf-8", "surrogateescape")
    git.run("update-index", "-z", "--index-info", what="Could not apply the change", env=env, stdin=lines)
    return git.run("write-tree", what="Could not write the tree", env=env).stdout.decode("ascii").strip()
