"""Payloads as GitHub sends them, cut down to what a test is about."""

from __future__ import annotations

from typing import Any

INSTALLATION, REPOSITORY, APP, BOT = 11, 22, 33, 44
SHA = "a" * 40


def sender(user_id: int = 7, login: str = "octocat", kind: str = "User") -> dict[str, Any]:
    return {"id": user_id, "login": login, "type": kind}


def envelope(action: str | None, by: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "installation": {"id": INSTALLATION},
        "repository": {"id": REPOSITORY, "full_name": "octo/repo", "default_branch": "main", "private": False},
        "sender": by or sender(),
        **parts,
    }
    if action is not None:
        payload["action"] = action
    return payload


def issue(body: str | None = "It breaks.", *, pull: bool = False, **parts: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "number": 5,
        "title": "Broken",
        "body": body,
        "state": "open",
        "labels": [{"name": "bug"}],
        "milestone": None,
        **parts,
    }
    return value | {"pull_request": {"url": "https://api.github.com/repos/octo/repo/pulls/5"}} if pull else value


def pull(body: str | None = "Mends it.", **parts: Any) -> dict[str, Any]:
    return issue(body) | {
        "head": {"ref": "forgehand/5", "sha": SHA},
        "base": {"ref": "main"},
        "user": sender(BOT, "forgehand[bot]", "Bot"),
        "merged": False,
        **parts,
    }


def comment(body: str, **parts: Any) -> dict[str, Any]:
    return {"id": 99, "body": body, "user": sender(), **parts}


def inline_comment(body: str, **parts: Any) -> dict[str, Any]:
    return comment(body) | {
        "pull_request_review_id": 77,
        "path": "src/a.py",
        "line": 3,
        "start_line": None,
        "side": "RIGHT",
        "commit_id": SHA,
        "diff_hunk": "@@ -1 +1 @@",
        **parts,
    }


def check_run(app_id: int = 55, **parts: Any) -> dict[str, Any]:
    return {
        "id": 66,
        "name": "tests",
        "head_sha": SHA,
        "external_id": "task-1",
        "conclusion": "failure",
        "app": {"id": app_id, "name": "CI"},
        "pull_requests": [{"number": 5}],
        **parts,
    }
