"""A repository elsewhere: what it has, fetching from it, pushing to it; never forcing, never keeping the token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from repositories.credentials import channel
from repositories.errors import (
    AuthenticationRefused,
    EmptyRepository,
    NonFastForward,
    RemoteUnavailable,
    RevisionUnknown,
    classify,
    classify_push,
)
from repositories.git import TRANSFER_TIMEOUT_S, Git, Output, far_side
from repositories.names import check_address, check_branch, is_sha

_ASK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository lives: an https or http address, or an absolute path, and who gives out its token.

    `token` is called at each operation and its answer used for that operation only; when the remote refuses it, it is
    called once more, and a different answer is tried. Raises NameRefused for any other kind of address.
    """

    url: str
    token: Callable[[], str] | None = field(default=None, repr=False)
    transport: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "transport", check_address(self.url))


@dataclass(frozen=True, slots=True)
class Tip:
    """The remote's HEAD: its branch (None when detached) and its commit."""

    branch: str | None
    sha: str


def contact(git: Git, remote: Remote, *args: str, what: str, timeout: float = TRANSFER_TIMEOUT_S,
            inherit: Sequence[int] = ()) -> Output:  # fmt: skip
    """Runs one git command that talks to `remote`, with its token, renewed once when refused.

    Raises what classify() reads from git's words. A push that was answered with refused branches returns: its standard
    output says which and why.
    """
    token = remote.token() if remote.token else None
    try:
        return _once(git, remote, token, args, what, timeout, inherit)
    except AuthenticationRefused:
        renewed = remote.token() if remote.token else None
        if renewed == token:
            raise
    return _once(git, remote, renewed, args, what, timeout, inherit)


def _once(git: Git, remote: Remote, token: str | None, args: Sequence[str], what: str, timeout: float,
          inherit: Sequence[int]) -> Output:  # fmt: skip
    allow = "http:https" if remote.transport == "http" else remote.transport
    local = remote.transport == "file"
    with channel(remote.url, None if local else token) as credentials:
        output = git.run(
            *args,
            what=what,
            allow=allow,
            credentials=credentials,
            secret=token,
            inherit=inherit,
            timeout=timeout,
            accept=(0, 1, 128, 129),
        )
    if output.exit_code == 0 or (output.exit_code == 1 and b"\n!\t" in b"\n" + output.stdout):
        return output
    raise classify(what, output.exit_code, output.stderr)


def list_remote(git: Git, remote: Remote, *patterns: str) -> dict[str, str]:
    """The remote's references that match `patterns`, name to commit; for ``HEAD`` also ``ref: HEAD`` to its branch."""
    options = (f"--upload-pack={far_side('upload-pack')}",) if remote.transport == "file" else ()
    output = contact(
        git, remote, "ls-remote", "--quiet", "--symref", *options, "--end-of-options", remote.url, *patterns,
        what="Could not read the remote's branches", timeout=_ASK_TIMEOUT_S,
    )  # fmt: skip
    found: dict[str, str] = {}
    for line in output.stdout.decode("utf-8", "surrogateescape").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            found[f"ref: {name}"] = value.removeprefix("ref: ")
        elif is_sha(value):
            found[name] = value
    return found


def remote_tip(git: Git, remote: Remote) -> Tip:
    """The remote's HEAD. Raises EmptyRepository when it points to no commit."""
    found = list_remote(git, remote, "HEAD")
    sha = found.get("HEAD")
    if sha is None:
        raise EmptyRepository("Nothing to work on", "the repository has no commit", "Push a first commit to it")
    branch = found.get("ref: HEAD", "")
    return Tip(branch.removeprefix("refs/heads/") if branch.startswith("refs/heads/") else None, sha)


def remote_head(git: Git, remote: Remote, branch: str) -> str | None:
    """The commit of `branch` on the remote, or None when it has no such branch."""
    ref = check_branch(branch)
    return list_remote(git, remote, ref).get(ref)


def fetch(git: Git, remote: Remote, refspecs: Sequence[str], *, prune: bool, inherit: Sequence[int]) -> None:
    """Fetches checked `refspecs` into the mirror. Call under the mirror's lock, with its descriptor in `inherit`.

    ``--progress`` is there for its side effect: a fetch whose parent was killed dies of the closed pipe.
    """
    # A directory may be a shallow clone; its boundary becomes ours, and nothing that is missing there is asked for.
    local = ["--update-shallow", f"--upload-pack={far_side('upload-pack')}"]
    options = local if remote.transport == "file" else []
    contact(
        git, remote, "fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
        "--no-auto-maintenance", *(["--prune"] if prune else []), *options, "--end-of-options", remote.url, *refspecs,
        what="Could not fetch", inherit=inherit,
    )  # fmt: skip


def push(git: Git, remote: Remote, sha: str, branch: str, *, expected: str | None) -> None:
    """Makes `branch` on the remote point to `sha`, only ever forwards, and makes sure that it does.

    `expected` is the commit the remote branch should have now, None for a branch that should not exist; a branch that
    is already at `sha` is left as it is, whatever was expected, so that a push whose answer got lost can be repeated.
    Raises NonFastForward, PushRejected, RevisionUnknown and what contact() raises.
    """
    ref = check_branch(branch)
    if not is_sha(sha):
        raise RevisionUnknown(f"Could not push {branch}", "what to push is not a full commit name", "Resolve it first")
    present = remote_head(git, remote, branch)
    if present == sha:
        return
    if present != expected:
        raise NonFastForward(
            f"Could not push {branch}",
            f"it was expected at {expected or 'no commit'} and is at {present or 'no commit'}",
            "Fetch it and decide again",
        )
    options = [f"--receive-pack={far_side('receive-pack')}"] if remote.transport == "file" else []
    try:
        output = contact(
            git, remote, "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
            "--recurse-submodules=no", *options, "--end-of-options", remote.url, f"{sha}:{ref}",
            what=f"Could not push {branch}",
        )  # fmt: skip
    except RemoteUnavailable:
        if remote_head(git, remote, branch) == sha:  # only the answer was lost
            return
        raise
    arrived = remote_head(git, remote, branch)
    for line in output.stdout.decode("utf-8", "replace").splitlines():
        # Refused and there all the same: the refusal was of a second sending of what had arrived.
        if line.startswith("!\t") and arrived != sha:
            raise classify_push(branch, line.split("\t", 2)[-1], output.stderr)
    if arrived != sha:
        raise NonFastForward(
            f"Could not push {branch}",
            f"the remote accepted the push and now has the branch at {arrived or 'no commit'}",
            "Fetch it and decide again",
        )
