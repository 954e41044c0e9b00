"""A repository as commands read it: one commit of a clone, or a folder, with its index below the state folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli import solve_folder
from cli.errors import CannotRun
from cli.output import console
from codebase.asking import IndexedTree
from codebase.index import BlobCache, FolderTree, Tree, build_corpus
from codebase.index.forgetting import forget_old
from repositories import RepositoryError
from repositories.commit_tree import commit_tree
from settings import load_settings


@contextmanager
def opened(repo: Path, rev: str, *, show_progress: bool) -> Iterator[IndexedTree]:
    """A repository's commit, ready to be asked. Raises CannotRun, RepositoryError."""
    tree, commit = tree_of(repo, rev)
    key = hashlib.sha256(str(repo.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    cache = BlobCache(load_settings().state_dir / "indexes" / f"{key}.db")
    screen = console(as_json=True)
    columns = (TextColumn("Reading the repository"), BarColumn(), MofNCompleteColumn())
    try:
        hidden = not (show_progress and screen.is_terminal)
        with Progress(*columns, console=screen, transient=True, disable=hidden) as bar:
            task = bar.add_task("", total=None)
            corpus = build_corpus(tree, cache, progress=lambda done, of: bar.update(task, completed=done, total=of))
            forget_old(cache, commit, lambda name: tree if name == commit else _earlier(repo, name), now=time.time())
        yield IndexedTree(tree, cache, corpus, commit=commit)
    finally:
        cache.close()


def _earlier(repo: Path, commit: str) -> Tree | None:
    """None for a commit that is gone, and for a folder as it was: its files are there no more."""
    try:
        return commit_tree(repo.resolve(), commit) if commit else None
    except RepositoryError:
        return None


def tree_of(repo: Path, rev: str) -> tuple[Tree, str]:
    """The files of a commit and its object id, or of a folder and an empty text. CannotRun, RepositoryError."""
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    if solve_folder.is_repository(repo):
        tree = commit_tree(repo.resolve(), rev)
        return tree, tree.commit
    if rev != "HEAD":
        raise CannotRun(f"--rev {rev}: {repo} is no git repository. Leave it out")
    return FolderTree(repo.resolve()), ""
