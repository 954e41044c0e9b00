"""Git on the trusted side: mirrors of repositories, trees out of them, changes into commits, commits pushed.

Everything that comes from a repository or a sandbox is data here: nothing of it is executed, checked out or followed,
and git runs under one hardened runner with no configuration but ours. Tokens are asked for at each operation and reach
git through an inherited pipe; they are in no argument, address, environment, file, log line or error.
"""

from repositories.commits import Signature
from repositories.comparison import ChangedPath, CommitInfo
from repositories.errors import (
    AuthenticationRefused,
    EmptyChange,
    EmptyRepository,
    GitFailed,
    GitTimeout,
    MirrorBusy,
    NameRefused,
    NonFastForward,
    PathRefused,
    PushRejected,
    RejectReason,
    RemoteUnavailable,
    RepositoryError,
    RepositoryGone,
    RevisionUnknown,
    TreeTooLarge,
)
from repositories.mirror import Mirror
from repositories.remotes import Remote, Tip
from repositories.trees import LeftOut, TreeArchive, TreeReport

__all__ = [
    "AuthenticationRefused",
    "ChangedPath",
    "CommitInfo",
    "EmptyChange",
    "EmptyRepository",
    "GitFailed",
    "GitTimeout",
    "LeftOut",
    "Mirror",
    "MirrorBusy",
    "NameRefused",
    "NonFastForward",
    "PathRefused",
    "PushRejected",
    "RejectReason",
    "Remote",
    "RemoteUnavailable",
    "RepositoryError",
    "RepositoryGone",
    "RevisionUnknown",
    "Signature",
    "Tip",
    "TreeArchive",
    "TreeReport",
    "TreeTooLarge",
]
