"""What can go wrong with git, as types a caller can act on, and the pure reading of git's own words into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


class RepositoryError(Exception):
    """Something git or a repository refused: what happened, why, and what a person can do about it."""

    def __init__(self, what: str, why: str, todo: str) -> None:
        super().__init__(f"{what}: {why}. {todo}")
        self.what = what
        self.why = why
        self.todo = todo


class RemoteUnavailable(RepositoryError):
    """The remote could not be reached or broke off: trying again later can help."""


class AuthenticationRefused(RepositoryError):
    """The remote did not accept the token, also not a renewed one."""


class RepositoryGone(RepositoryError):
    """The remote says that there is no such repository, or hides it from us."""


class NonFastForward(RepositoryError):
    """The remote branch is not where it was expected: someone else moved it."""


class EmptyRepository(RepositoryError):
    """The repository has no commit yet, so there is nothing to work on."""


class RevisionUnknown(RepositoryError):
    """No commit of that name in the mirror or on the remote."""


class NameRefused(RepositoryError):
    """A branch, revision, refspec, address or author that is not well formed. Refused before git sees it."""


class PathRefused(RepositoryError):
    """A change to a path, a mode or a link target that may not enter a commit."""


class EmptyChange(RepositoryError):
    """The change leaves the tree exactly as its parent has it."""


class TreeTooLarge(RepositoryError, ValueError):
    """The tree, a file or an answer of git passes a size limit."""


class MirrorBusy(RepositoryError):
    """Another process kept the mirror's lock for too long."""


class GitTimeout(RemoteUnavailable):
    """Git was still running at its deadline and was ended."""


class GitFailed(RepositoryError):
    """Git failed in a way that has no type of its own; the message carries its redacted last words."""


RejectReason = Literal[
    "workflows_permission", "protected_branch", "hook_declined", "checked_out", "name_taken", "too_large", "other"
]


class PushRejected(RepositoryError):
    """The remote took the objects and refused the branch. ``reason`` is a closed word for why."""

    def __init__(self, what: str, why: str, todo: str, reason: RejectReason) -> None:
        super().__init__(what, why, todo)
        self.reason: RejectReason = reason


@dataclass(frozen=True, slots=True)
class _Sign:
    pattern: re.Pattern[str]
    kind: type[RepositoryError]
    todo: str


_REACH = "Check the address and the network, then try again"
_ACCESS = "Check that the App is installed on this repository and may read and write its contents"

# Git has no machine-readable transport errors; these are its English sentences (the runner sets LC_ALL=C), from
# http.c, remote-curl.c, transport.c and connect.c of git 2.39 to 2.47, and GitHub's own 403 and 404 texts.
_SIGNS = (
    _Sign(re.compile(r"could not read (Username|Password)|Authentication failed|requested URL returned error: 401"),
          AuthenticationRefused, _ACCESS),
    _Sign(re.compile(r"repository '.*' not found|Repository not found|does not appear to be a git repository|"
                     r"requested URL returned error: (404|410|451)|not valid: is this a git repository|"
                     r"[Rr]epository (is )?disabled"),
          RepositoryGone, _ACCESS),
    _Sign(re.compile(r"requested URL returned error: 403|Write access to repository not granted|[Pp]ermission denied"),
          AuthenticationRefused, _ACCESS),
    _Sign(re.compile(r"detected dubious ownership"), RepositoryGone,
          "Run as the user who owns the repository's folder, or give a repository of your own"),
    _Sign(re.compile(r"couldn't find remote ref|not our ref|upload-pack: not our ref|bad object|unknown revision|"
                     r"Needed a single revision|Not a valid (object|commit) name|ambiguous argument"),
          RevisionUnknown, "Fetch, and check the name"),
    _Sign(re.compile(r"Could not resolve host|Failed to connect|Connection (refused|reset|timed out)|"
                     r"requested URL returned error: (408|429|5\d\d)|Operation too slow|early EOF|hung up unexpectedly|"
                     r"unexpected disconnect|RPC failed|Couldn't connect|SSL|Empty reply|transfer closed|"
                     r"unable to access|error: \d+ bytes of body|expected flush|invalid index-pack output|"
                     r"bad pack header|protocol error"),
          RemoteUnavailable, _REACH),
)  # fmt: skip


def classify(what: str, exit_code: int, stderr: str) -> RepositoryError:
    """The error for a failed git command from its exit status and redacted standard error. Pure."""
    words = last_words(stderr)
    for sign in _SIGNS:
        if sign.pattern.search(stderr):
            return sign.kind(what, words, sign.todo)
    return GitFailed(what, f"git ended with status {exit_code}: {words}", "See git's message")


def last_words(stderr: str, limit: int = 600) -> str:
    """The lines of standard error that say something: without progress and advice, the newest `limit` characters."""
    lines = [line.strip() for part in stderr.splitlines() for line in part.split("\r")]
    telling = [line for line in lines if line and not _NOISE.match(line)]
    return " | ".join(telling)[-limit:] or "git gave no reason"


_NOISE = re.compile(
    r"(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Writing|Updating|Total|Unpacking)\b"
    r"|hint:|Cloning into|From |To |POST |Delta compression|Everything up-to-date"
)


def classify_push(branch: str, summary: str, remote_words: str) -> RepositoryError:
    """The error for one refused branch of ``git push --porcelain``.

    `summary` is the text of the ``!`` line after the refs, such as ``[rejected] (fetch first)``; `remote_words` is the
    redacted standard error, where servers explain themselves (GitHub: "refusing to allow a GitHub App to create or
    update workflow ... without `workflows` permission", "protected branch hook declined"). Pure.
    """
    what = f"Could not push {branch}"
    both = f"{summary}\n{remote_words}"
    if "cannot lock ref" in both and not _NAME_TAKEN.search(both):
        # Somebody is at the branch this moment, perhaps we: curl sends a push again whose connection was cut.
        return RemoteUnavailable(what, f"another push is under way there ({summary})", "Try again in a few seconds")
    if summary.startswith("[rejected]") or "non-fast-forward" in summary:
        return NonFastForward(what, f"the branch moved on the remote ({summary})", "Fetch it and decide again")
    for pattern, reason, todo in _REJECTIONS:
        if pattern.search(both):
            return PushRejected(what, last_words(both), todo, reason)
    return PushRejected(what, last_words(both), "See the remote's message", "other")


_NAME_TAKEN = re.compile(r"'[^']*' exists; cannot create '")

_REJECTIONS: tuple[tuple[re.Pattern[str], RejectReason, str], ...] = (
    (re.compile(r"refusing to allow .* update workflow|without [`'\"]?workflows?[`'\"]? (permission|scope)"),
     "workflows_permission", "Give the App the workflows permission, or leave workflow files out of the change"),
    (re.compile(r"exceeds GitHub's file size limit|GH001|pack exceeds maximum|too large", re.I),
     "too_large", "Leave large files out of the change"),
    (re.compile(r"protected branch|GH006|GH013|rule violations|Cannot (create|update) this protected", re.I),
     "protected_branch", "Allow the App to write branches of this name, or change the branch prefix"),
    (_NAME_TAKEN, "name_taken", "Remove or rename the branch that is in the way, or change the branch prefix"),
    (re.compile(r"branch is currently checked out|refusing to update checked out branch"),
     "checked_out", "Choose another branch name, or check out a different branch there"),
    (re.compile(r"hook declined|pre-receive", re.I), "hook_declined", "See what the remote's hook says"),
)  # fmt: skip
