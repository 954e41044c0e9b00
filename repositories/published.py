"""Where a commit can be looked at by others: the address of the remote whose branches hold it."""

from __future__ import annotations

from pathlib import Path

from repositories.commit_tree import locate

_REMOTE = "origin"


def published_at(directory: Path, rev: str) -> str | None:
    """The address of `origin` as the clone's settings have it, when one of its branches known here holds the commit.

    Not asked over the network: what was pushed since the last fetch is not known. The address may carry a name and a
    password. Raises what `commit_tree` does.
    """
    git, commit = locate(directory, rev)
    asked = git.run(
        "config", "--get", f"remote.{_REMOTE}.url", what="Could not read the remote's address", accept=(0, 1)
    ).stdout  # fmt: skip
    address = asked.decode("utf-8", "replace").strip()
    if not address:
        return None
    holding = git.run(
        "for-each-ref", "--count=1", "--format=%(refname)", "--contains", commit, f"refs/remotes/{_REMOTE}/",
        what="Could not list the remote's branches",
    ).stdout  # fmt: skip
    return address if holding.strip() or _is_mirror(directory, rev, address) else None


def _is_mirror(directory: Path, rev: str, address: str) -> bool:
    """A mirror has the remote's branches as its own."""
    git, commit = locate(directory, rev)
    fetched = git.run("config", "--get-all", f"remote.{_REMOTE}.fetch", what="Could not read settings", accept=(0, 1))
    if b"+refs/*:refs/*" not in fetched.stdout.split():
        return False
    holding = git.run(
        "for-each-ref", "--count=1", "--format=%(refname)", "--contains", commit, "refs/heads/",
        what="Could not list branches",
    ).stdout  # fmt: skip
    return bool(address) and bool(holding.strip())
