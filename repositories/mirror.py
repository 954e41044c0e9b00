"""A bare copy of one repository under the state folder: the trusted side's only contact with its contents."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

from repositories import comparison, ignoring, remotes
from repositories.commits import Signature, make_commit
from repositories.comparison import ChangedPath, CommitInfo
from repositories.errors import EmptyRepository, RepositoryError, RevisionUnknown
from repositories.git import Git
from repositories.locking import exclusive, sweep_clones, sweep_locks
from repositories.names import check_path, check_refspec, check_revision, is_sha
from repositories.objects import SUBMODULE, list_tree, read_blob
from repositories.remotes import Remote, Tip
from repositories.trees import MAX_TREE_BYTES, MAX_TREE_FILES, TreeArchive, archive_tree
from sandboxes.contract import ChangeSet

_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_MAX_FILE = 16 << 20
_MAX_DIFF = 64 << 20


class Mirror:
    """A bare clone at `path` of `remote`. Threads and processes may share it; each operation stands alone.

    Branches and tags of the remote have the same names here. Nothing of the remote's settings, hooks or filters is
    taken over, and nothing is ever checked out. Every method raises a RepositoryError; the types say what to do.
    """

    def __init__(self, path: Path, remote: Remote, *, lock_timeout: float = 600.0) -> None:
        self.path = path
        self.remote = remote
        self._git = Git(path)
        self._lock_file = path.with_name(f"{path.name}.lock")
        self._lock_timeout = lock_timeout

    @classmethod
    def open(cls, path: Path, remote: Remote, *, lock_timeout: float = 600.0) -> Self:
        """The mirror at `path`, cloned from `remote` when it is not there yet.

        A clone grows beside `path` and is moved there when complete, so a killed one leaves nothing that matters.
        An empty repository can be opened; asking it for a revision raises EmptyRepository.
        """
        mirror = cls(path.absolute(), remote, lock_timeout=lock_timeout)
        if not mirror.path.exists():
            with exclusive(mirror._lock_file, lock_timeout) as lock:
                if not mirror.path.exists():
                    mirror._clone(lock)
        return mirror

    def _clone(self, lock: int) -> None:
        prefix = f".{self.path.name}.cloning-"
        sweep_clones(self.path.parent, prefix)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self.path.parent) as scratch:
            growing = Git(Path(scratch, "git"))
            growing.run(
                "init", "--quiet", "--bare", "--template=", "--initial-branch=main", what="Could not make a mirror"
            )
            remotes.fetch(growing, self.remote, _EVERYTHING, prune=False, inherit=(lock,))
            os.rename(growing.git_dir, self.path)

    def fetch(self, *refspecs: str) -> None:
        """Brings the mirror up to date: all branches and tags (those gone at the remote go), or just `refspecs`.

        A refspec is a branch, ``refs/pull/7/head``, ``refs/x:refs/y``, or a full commit name.
        """
        specs = [check_refspec(spec) for spec in refspecs] or list(_EVERYTHING)
        with exclusive(self._lock_file, self._lock_timeout) as lock:
            sweep_locks(self.path)
            remotes.fetch(self._git, self.remote, specs, prune=not refspecs, inherit=(lock,))

    def remote_tip(self) -> Tip:
        """The remote's HEAD now: branch (None when detached) and commit. Raises EmptyRepository."""
        return remotes.remote_tip(self._git, self.remote)

    def default_branch(self) -> str:
        """The branch the remote's HEAD names now. Raises EmptyRepository, and RevisionUnknown when HEAD is detached."""
        branch = self.remote_tip().branch
        if branch is None:
            raise RevisionUnknown("No default branch", "the remote's HEAD is detached", "Name the base branch")
        return branch

    def remote_head(self, branch: str) -> str | None:
        """The commit `branch` has on the remote now, None when there is no such branch."""
        return remotes.remote_head(self._git, self.remote, branch)

    def resolve(self, rev: str) -> str:
        """The full name of the commit that `rev` (branch, tag, commit, any of them with ``~N``) names in the mirror.

        A branch wins over a tag of the same name. Raises NameRefused, RevisionUnknown, EmptyRepository.
        """
        check_revision(rev)
        candidates = [rev] if is_sha(rev) or rev.startswith("refs/") else [f"refs/heads/{rev}", rev]
        for candidate in candidates:
            output = self._git.run(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}",
                what=f"Could not resolve {rev}", accept=(0, 1, 128),
            )  # fmt: skip
            sha = output.stdout.decode("ascii", "replace").strip()
            if output.exit_code == 0 and is_sha(sha):
                return sha
        if not self._git.run("for-each-ref", "--count=1", what="Could not list branches").stdout:
            raise EmptyRepository("Nothing to work on", "the repository has no commit", "Push a first commit to it")
        raise RevisionUnknown(f"No commit {rev[:80]!r}", "the mirror has no such branch, tag or commit", "Fetch first")

    def tree(self, rev: str) -> str:
        """The name of the tree of `rev`: the same for all commits with the same files. Raises as `resolve`."""
        output = self._git.run("rev-parse", "--verify", f"{self.resolve(rev)}^{{tree}}", what=f"Could not read {rev}")
        return output.stdout.decode("ascii").strip()

    def archive(self, rev: str, *, max_bytes: int = MAX_TREE_BYTES, max_files: int = MAX_TREE_FILES) -> TreeArchive:
        """The tree of `rev` as a tar stream together with the report of what was left out of it, and why."""
        return archive_tree(self._git, self.resolve(rev), max_bytes=max_bytes, max_files=max_files)

    def tree_tar(self, rev: str) -> BinaryIO:
        """The tar stream of archive(), for a sandbox's put_tree. The caller closes it."""
        return self.archive(rev).tar

    def list_files(self, rev: str) -> list[str]:
        """Every tracked path of `rev` that is a file or a link, in git's order."""
        return [entry.path for entry in list_tree(self._git, self.resolve(rev)) if entry.mode != SUBMODULE]

    def read_file(self, rev: str, path: str, *, limit: int = _MAX_FILE) -> bytes | None:
        """The content of one tracked file, None when `rev` has no file there. A link gives its target, unfollowed.

        Raises TreeTooLarge for a file of more than `limit` bytes.
        """
        listing = self._git.run(
            "ls-tree",
            "-z",
            "--full-tree",
            self.resolve(rev),
            "--",
            check_path(path),
            what=f"Could not look up {path!r}",
            env={"GIT_LITERAL_PATHSPECS": "1"},
        ).stdout
        head = listing.partition(b"\t")[0].split()
        if len(head) != 3 or head[1] != b"blob":
            return None
        return read_blob(self._git, head[2].decode("ascii"), limit)

    def commit(self, parent: str, changes: ChangeSet, message: str, author: Signature, when: datetime) -> str:
        """Writes `changes` on top of `parent` and returns the commit's name, the same for the same inputs.

        Raises EmptyChange, PathRefused, TreeTooLarge, NameRefused; nothing is written to any branch.
        """
        return make_commit(self._git, self.resolve(parent), changes, message, author, when)

    def diff(self, base: str, head: str) -> str:
        """The difference between two commits for reading; not for applying (see patch)."""
        return comparison.readable_diff(self._git, self.resolve(base), self.resolve(head), limit=_MAX_DIFF)

    def patch(self, base: str, head: str) -> bytes:
        """The difference between two commits as ``git apply`` takes it, binary files included."""
        return comparison.patch(self._git, self.resolve(base), self.resolve(head), limit=_MAX_DIFF)

    def changed_paths(self, base: str, head: str) -> list[ChangedPath]:
        """The paths that differ between two commits, with status, modes and line counts; renames found."""
        return comparison.changed_paths(self._git, self.resolve(base), self.resolve(head))

    def log(self, base: str, head: str, *, limit: int = 250) -> list[CommitInfo]:
        """The commits on `head` that `base` does not have, newest first."""
        return comparison.history(self._git, self.resolve(base), self.resolve(head), limit=limit)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, None when they share none."""
        output = self._git.run(
            "merge-base", self.resolve(one), self.resolve(other), what="Could not find the merge base", accept=(0, 1)
        )
        return output.stdout.decode("ascii").strip() or None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` has `ancestor` in its history (a commit is its own ancestor)."""
        output = self._git.run(
            "merge-base", "--is-ancestor", self.resolve(ancestor), self.resolve(descendant),
            what="Could not compare histories", accept=(0, 1),
        )  # fmt: skip
        return output.exit_code == 0

    def has_commit(self, sha: str) -> bool:
        """Whether the mirror holds the commit `sha`."""
        try:
            return self.resolve(sha) == sha
        except RepositoryError:
            return False

    def ignored(self, rev: str, paths: Iterable[str]) -> set[str]:
        """Those of `paths` that belong in no patch: new, and ignored by `rev`'s .gitignore files or known caches."""
        return ignoring.ignored(self._git, self.resolve(rev), paths)

    def push(self, sha: str, branch: str, *, expected: str | None) -> None:
        """Moves `branch` on the remote to `sha`, forwards only, from `expected` (None: it does not exist yet).

        Already there is done. Raises NonFastForward, PushRejected, RemoteUnavailable, AuthenticationRefused.
        """
        remotes.push(self._git, self.remote, sha, branch, expected=expected)
