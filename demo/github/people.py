"""What people do on GitHub, over its public API with their own token: for demo scenarios and tests."""

from collections.abc import Sequence
from typing import Any

import httpx

from demo.github.controls import Controls


class Person:
    """Somebody with an account on the twin at `url`. `repository` is "owner/name"; answers are GitHub's JSON.

    Errors: httpx.HTTPStatusError when GitHub refuses. `controls` is needed for `press` alone.
    """

    def __init__(self, url: str, login: str, token: str, controls: Controls | None = None) -> None:
        self.url, self.login = url, login
        self._controls = controls
        self._headers = {"authorization": f"Bearer {token}", "accept": "application/vnd.github+json"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; `path` starts with a slash."""
        response = httpx.request(
            method, f"{self.url}{path}", headers=self._headers, json=body, timeout=30, trust_env=False
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def open_issue(self, repository: str, title: str, body: str = "", labels: Sequence[str] = ()) -> dict[str, Any]:
        made: dict[str, Any] = self.ask(
            "POST", f"/repos/{repository}/issues", {"title": title, "body": body, "labels": list(labels)}
        )
        return made

    def assign(self, repository: str, number: int, *logins: str) -> dict[str, Any]:
        changed: dict[str, Any] = self.ask(
            "POST", f"/repos/{repository}/issues/{number}/assignees", {"assignees": list(logins)}
        )
        return changed

    def unassign(self, repository: str, number: int, *logins: str) -> dict[str, Any]:
        changed: dict[str, Any] = self.ask(
            "DELETE", f"/repos/{repository}/issues/{number}/assignees", {"assignees": list(logins)}
        )
        return changed

    def label(self, repository: str, number: int, *labels: str) -> None:
        self.ask("POST", f"/repos/{repository}/issues/{number}/labels", {"labels": list(labels)})

    def unlabel(self, repository: str, number: int, label: str) -> None:
        self.ask("DELETE", f"/repos/{repository}/issues/{number}/labels/{label}")

    def comment(self, repository: str, number: int, body: str) -> dict[str, Any]:
        made: dict[str, Any] = self.ask("POST", f"/repos/{repository}/issues/{number}/comments", {"body": body})
        return made

    def edit_comment(self, repository: str, comment_id: int, body: str) -> dict[str, Any]:
        made: dict[str, Any] = self.ask("PATCH", f"/repos/{repository}/issues/comments/{comment_id}", {"body": body})
        return made

    def close(self, repository: str, number: int) -> None:
        self.ask("PATCH", f"/repos/{repository}/issues/{number}", {"state": "closed"})

    def reopen(self, repository: str, number: int) -> None:
        self.ask("PATCH", f"/repos/{repository}/issues/{number}", {"state": "open"})

    def review(
        self,
        repository: str,
        number: int,
        event: str = "REQUEST_CHANGES",
        body: str = "",
        comments: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        """One review with inline comments (`path`, `line`, `body`, perhaps `side` and `start_line`)."""
        review = {"event": event, "body": body, "comments": list(comments)}
        made: dict[str, Any] = self.ask("POST", f"/repos/{repository}/pulls/{number}/reviews", review)
        return made

    def reply(self, repository: str, number: int, comment_id: int, body: str) -> dict[str, Any]:
        path = f"/repos/{repository}/pulls/{number}/comments/{comment_id}/replies"
        made: dict[str, Any] = self.ask("POST", path, {"body": body})
        return made

    def resolve_thread(self, thread_id: str) -> None:
        """Marks a review thread (its GraphQL id) resolved."""
        query = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
        answer = self.ask("POST", "/graphql", {"query": query, "variables": {"id": thread_id}})
        if "errors" in answer:
            raise RuntimeError(answer["errors"][0]["message"])

    def merge(self, repository: str, number: int, method: str = "merge") -> dict[str, Any]:
        made: dict[str, Any] = self.ask("PUT", f"/repos/{repository}/pulls/{number}/merge", {"merge_method": method})
        return made

    def rerequest(self, repository: str, check_run_id: int) -> None:
        self.ask("POST", f"/repos/{repository}/check-runs/{check_run_id}/rerequest")

    def press(self, repository: str, check_run_id: int, identifier: str) -> None:
        """Presses a check run's button."""
        if self._controls is None:
            raise RuntimeError("pressing a button needs the twin's controls: GitHub has no API for it")
        self._controls.press(self.login, repository, check_run_id, identifier)
