"""Git's and GitHub's sentences, read into types."""

from __future__ import annotations

import pytest

from repositories import (
    AuthenticationRefused,
    GitFailed,
    NonFastForward,
    PushRejected,
    RemoteUnavailable,
    RepositoryError,
    RepositoryGone,
    RevisionUnknown,
)
from repositories.credentials import redact
from repositories.errors import classify, classify_push, last_words


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", AuthenticationRefused),
        ("fatal: Authentication failed for 'https://github.com/a/b/'", AuthenticationRefused),
        ("remote: Write access to repository not granted.\nfatal: unable to access 'https://github.com/a/b/': "
         "The requested URL returned error: 403", AuthenticationRefused),
        ("remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found", RepositoryGone),
        ("fatal: '/nowhere' does not appear to be a git repository", RepositoryGone),
        ("fatal: detected dubious ownership in repository at '/srv/x'", RepositoryGone),
        ("fatal: couldn't find remote ref refs/heads/gone", RevisionUnknown),
        ("error: Server does not allow request; upload-pack: not our ref 0123", RevisionUnknown),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", RemoteUnavailable),
        ("fatal: unable to access 'http://x/': Failed to connect to x port 1: Connection refused", RemoteUnavailable),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\nfatal: the remote end hung up "
         "unexpectedly", RemoteUnavailable),
        ("fatal: early EOF", RemoteUnavailable),
        ("error: RPC failed; curl 28 Operation too slow. Less than 100 bytes/sec", RemoteUnavailable),
        ("fatal: something new", GitFailed),
        ("", GitFailed),
    ],
)  # fmt: skip
def test_failures_have_types(stderr: str, kind: type[RepositoryError]) -> None:
    assert type(classify("Could not fetch", 128, stderr)) is kind


@pytest.mark.parametrize(
    ("summary", "words", "reason"),
    [
        ("[remote rejected] (refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` "
         "without `workflows` permission)", "", "workflows_permission"),
        ("[remote rejected] (protected branch hook declined)", "remote: error: GH006: Protected branch update failed",
         "protected_branch"),
        ("[remote rejected] (pre-receive hook declined)", "remote: error: GH001: Large files detected.", "too_large"),
        ("[remote rejected] (push declined due to repository rule violations)", "remote: error: GH013",
         "protected_branch"),
        ("[remote rejected] (pre-receive hook declined)", "remote: no thanks", "hook_declined"),
        ("[remote rejected] (branch is currently checked out)", "", "checked_out"),
        ("[remote rejected] (failed to update ref)",
         "remote: error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
         "name_taken"),
        ("[remote rejected] (shallow update not allowed)", "", "other"),
    ],
)  # fmt: skip
def test_refused_branches_have_reasons(summary: str, words: str, reason: str) -> None:
    error = classify_push("x", summary, words)
    assert isinstance(error, PushRejected)
    assert error.reason == reason
    assert error.todo


@pytest.mark.parametrize(
    "summary", ["[rejected] (fetch first)", "[rejected] (non-fast-forward)", "[rejected] (stale info)"]
)
def test_a_moved_branch_is_its_own_type(summary: str) -> None:
    assert isinstance(classify_push("x", summary, ""), NonFastForward)


def test_last_words_leave_out_progress() -> None:
    noise = (
        "remote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2)\nhint: pull\nfatal: real reason\n"
    )
    assert last_words(noise) == "fatal: real reason"
    assert last_words("") == "git gave no reason"
    assert len(last_words("fatal: x\n" * 1000)) == 600


def test_redaction() -> None:
    text = "fatal: https://u:pw@host/x tok+en%/ tok%2Ben%25%2F"
    assert redact(text, "tok+en%/") == "fatal: https://[credentials]@host/x [token] [token]"
    assert redact("nothing", None) == "nothing"
