"""What CI says of a commit, gathered: check runs, statuses, required contexts, waiting workflows, annotations, logs.

https://docs.github.com/en/rest/checks/runs, https://docs.github.com/en/rest/commits/statuses,
https://docs.github.com/en/rest/repos/rules, https://docs.github.com/en/rest/actions/workflow-jobs
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from .check_runs import CheckRun, check_run
from .issues import when
from .transport import Channel, ForgeUnavailable, NotFound, NotPermitted

LOG_READ_LIMIT = 64 * 1024 * 1024
LOG_KEPT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StatusContext:
    """The newest commit status of one context; `state` is error, failure, pending or success."""

    context: str
    state: str
    description: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What CI says of `head_sha` at one moment. `required` is None when it could not be read.

    `waiting_workflows` are names of workflow runs that wait for somebody's approval.
    """

    head_sha: str
    runs: tuple[CheckRun, ...] = ()
    statuses: tuple[StatusContext, ...] = ()
    required: frozenset[str] | None = None
    waiting_workflows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """An annotation that CI put on a line, or on the whole run."""

    path: str
    start_line: int
    end_line: int
    level: str
    title: str
    message: str


class Ci:
    """Questions about CI in one repository."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def snapshot(self, sha: str, *, target: str) -> Snapshot:
        """Return what CI says of the commit `sha`, with what the branch `target` requires before a merge."""
        commit = f"{self._repository}/commits/{sha}"
        runs = self._channel.pages(f"{commit}/check-runs", {"filter": "latest"}, key="check_runs")
        statuses = self._channel.pages(f"{commit}/status", key="statuses")
        return Snapshot(
            head_sha=sha,
            runs=tuple(check_run(body) for body in runs),
            statuses=tuple(_status(body) for body in statuses),
            required=self.required_contexts(target),
            waiting_workflows=self._waiting_workflows(sha),
        )

    def required_contexts(self, branch: str) -> frozenset[str] | None:
        """Return the names a merge into `branch` requires, from protection and rulesets; None if neither is told.

        Protection is read from the branch itself: its own endpoint takes administration rights the App has no need of.
        """
        name = quote(branch, safe="")
        protected = self._optional(f"{self._repository}/branches/{name}")
        rules = self._optional(f"{self._repository}/rules/branches/{name}")
        if protected is None and rules is None:
            return None
        checks = ((protected or {}).get("protection") or {}).get("required_status_checks") or {}
        contexts = set(checks.get("contexts") or ())
        contexts |= {check["context"] for check in checks.get("checks") or ()}
        for rule in rules or ():
            if rule.get("type") == "required_status_checks":
                parameters = rule.get("parameters") or {}
                contexts |= {check["context"] for check in parameters.get("required_status_checks") or ()}
        return frozenset(contexts)

    def findings(self, run: CheckRun, *, limit: int = 200) -> tuple[Finding, ...]:
        """Return the annotations of a check run, the first `limit` of them."""
        found: list[Finding] = []
        if run.annotations_count:
            for body in self._channel.pages(f"{self._repository}/check-runs/{run.id}/annotations"):
                found.append(_finding(body))
                if len(found) == limit:
                    break
        return tuple(found)

    def log_tail(self, run: CheckRun, *, lines: int = 200) -> str | None:
        """Return the last `lines` of the job's log, or None where there is none to be had.

        Only GitHub Actions keeps logs with GitHub; there the check run's id is the job's. The log lies on a storage
        host behind a signed link, which is fetched without our credentials.
        """
        if run.app_slug != "github-actions":
            return None
        path = f"{self._repository}/actions/jobs/{run.id}/logs"
        try:
            answer = self._channel.request("GET", path, redirect=True)
        except (NotFound, NotPermitted):
            return None
        location = answer.headers.get("location")
        return _tail(location, lines) if location else None

    def _waiting_workflows(self, sha: str) -> tuple[str, ...]:
        try:
            runs = list(self._channel.pages(f"{self._repository}/actions/runs", {"head_sha": sha}, key="workflow_runs"))
        except (NotFound, NotPermitted):
            return ()
        waiting = {"action_required", "waiting"}
        return tuple(
            run.get("name") or "" for run in runs if run.get("status") in waiting or run.get("conclusion") in waiting
        )

    def _optional(self, path: str) -> Any:
        try:
            return self._channel.get(path)
        except (NotFound, NotPermitted):
            return None


def _tail(url: str, lines: int) -> str:
    """Return the end of the text at `url`, holding no more of it than LOG_KEPT_BYTES at a time."""
    kept = bytearray()
    read = 0
    try:
        with httpx.stream("GET", url, timeout=20, follow_redirects=False) as answer:
            if answer.status_code != 200:
                raise ForgeUnavailable("GET job log", "the log's storage refused", status=answer.status_code)
            for piece in answer.iter_bytes():
                read += len(piece)
                kept += piece
                del kept[:-LOG_KEPT_BYTES]
                if read > LOG_READ_LIMIT:
                    kept += b"\n[the log goes on; reading stopped here]"
                    break
    except httpx.HTTPError as error:
        # Its text would hold the signed link.
        raise ForgeUnavailable("GET job log", type(error).__name__) from None
    return "\n".join(kept.decode("utf-8", errors="replace").splitlines()[-lines:])


def _status(body: Any) -> StatusContext:
    return StatusContext(body["context"], body["state"], body.get("description") or "", when(body["updated_at"]))


def _finding(body: Any) -> Finding:
    return Finding(
        path=body.get("path") or "",
        start_line=body.get("start_line") or 0,
        end_line=body.get("end_line") or 0,
        level=body.get("annotation_level") or "",
        title=body.get("title") or "",
        message=body.get("message") or "",
    )
