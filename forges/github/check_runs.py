"""Our own check run: progress, plan, proof and buttons on the commit.

Only Apps may write check runs, and only their own: https://docs.github.com/en/rest/checks/runs
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from .issues import when
from .markdown import fit
from .transport import Channel, ForgeError

OUTPUT_LIMIT = 65_535
ANNOTATIONS_A_REQUEST = 50

RunStatus = Literal["queued", "in_progress", "completed"]
Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"]
Level = Literal["notice", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a completed check run: `label` of at most 20 characters, `description` 40, `identifier` 20."""

    label: str
    description: str
    identifier: str

    def __post_init__(self) -> None:
        for name, text, limit in (
            ("label", self.label, 20),
            ("description", self.description, 40),
            ("identifier", self.identifier, 20),
        ):
            if not 0 < len(text) <= limit:
                raise ValueError(f"a button's {name} has 1 to {limit} characters, not {len(text)}: {text!r}")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark on lines of a file at the head commit. Lines count from 1."""

    path: str
    start_line: int
    end_line: int
    level: Level
    message: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What a check run shows: Markdown `summary` and `text`, each cut to 65,535 characters when sent."""

    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check run of any App, as it stands now. `app_id` is None for one whose App is gone."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    external_id: str | None
    app_id: int | None
    app_slug: str
    started_at: datetime | None
    completed_at: datetime | None
    details_url: str | None
    html_url: str
    title: str
    summary: str
    annotations_count: int


class CheckRuns:
    """Operations on the check runs this App owns in one repository."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def create(
        self,
        *,
        name: str,
        head_sha: str,
        external_id: str,
        output: Output,
        details_url: str | None = None,
        status: RunStatus = "in_progress",
    ) -> CheckRun:
        """Start a check run. After ForgeUnavailable, `find` it by `external_id` before trying again."""
        body: dict[str, Any] = {
            "name": name,
            "head_sha": head_sha,
            "external_id": external_id,
            "status": status,
            "output": _output(output, output.annotations[:ANNOTATIONS_A_REQUEST]),
        }
        if details_url is not None:
            body["details_url"] = details_url
        run = check_run(self._channel.post(f"{self._repository}/check-runs", body))
        return self._annotate(run, output)

    def update(
        self,
        run_id: int,
        *,
        status: RunStatus | None = None,
        conclusion: Conclusion | None = None,
        output: Output | None = None,
        buttons: Sequence[Button] | None = None,
    ) -> CheckRun:
        """Change a check run; a `conclusion` completes it. Annotations are added to those it has.

        Raises ValueError for more than three buttons. GitHub shows buttons only on a completed run.
        """
        if buttons is not None and len(buttons) > 3:
            raise ValueError(f"a check run has at most 3 buttons, not {len(buttons)}")
        body: dict[str, Any] = {}
        if conclusion is not None:
            body |= {"status": "completed", "conclusion": conclusion}
        elif status is not None:
            body["status"] = status
        if output is not None:
            body["output"] = _output(output, output.annotations[:ANNOTATIONS_A_REQUEST])
        if buttons is not None:
            body["actions"] = [
                {"label": each.label, "description": each.description, "identifier": each.identifier}
                for each in buttons
            ]
        run = check_run(self._channel.patch(f"{self._repository}/check-runs/{run_id}", body))
        return self._annotate(run, output)

    def find(self, *, name: str, head_sha: str, external_id: str, app_id: int) -> CheckRun | None:
        """Return our newest check run of that name and key on the commit, or None."""
        found = self._channel.pages(
            f"{self._repository}/commits/{head_sha}/check-runs",
            {"check_name": name, "app_id": app_id, "filter": "all"},
            key="check_runs",
        )
        ours = [
            run
            for run in map(check_run, found)
            if run.external_id == external_id and run.app_id == app_id and run.name == name
        ]
        return max(ours, key=lambda run: run.id, default=None)

    def _annotate(self, run: CheckRun, output: Output | None) -> CheckRun:
        """Add what passes the 50 annotations a request takes."""
        if output is not None:
            for start in range(ANNOTATIONS_A_REQUEST, len(output.annotations), ANNOTATIONS_A_REQUEST):
                more = _output(output, output.annotations[start : start + ANNOTATIONS_A_REQUEST])
                run = check_run(self._channel.patch(f"{self._repository}/check-runs/{run.id}", {"output": more}))
        return run


def _output(output: Output, annotations: Sequence[Annotation]) -> dict[str, Any]:
    body: dict[str, Any] = {"title": output.title[:255], "summary": fit(output.summary, OUTPUT_LIMIT)}
    if output.text:
        body["text"] = fit(output.text, OUTPUT_LIMIT)
    if annotations:
        body["annotations"] = [
            {
                "path": each.path,
                "start_line": each.start_line,
                "end_line": each.end_line,
                "annotation_level": each.level,
                "message": each.message,
                **({"title": each.title} if each.title else {}),
            }
            for each in annotations
        ]
    return body


def check_run(body: Any) -> CheckRun:
    """Return GitHub's JSON of a check run as a value."""
    if not isinstance(body, dict):
        raise ForgeError("check run", f"expected an object, got {type(body).__name__}")
    app = body.get("app") or {}
    output = body.get("output") or {}
    started, completed = body.get("started_at"), body.get("completed_at")
    return CheckRun(
        id=body["id"],
        name=body["name"],
        head_sha=body["head_sha"],
        status=body["status"],
        conclusion=body.get("conclusion"),
        external_id=body.get("external_id") or None,
        app_id=app.get("id"),
        app_slug=app.get("slug") or "",
        started_at=when(started) if started else None,
        completed_at=when(completed) if completed else None,
        details_url=body.get("details_url"),
        html_url=body.get("html_url") or "",
        title=output.get("title") or "",
        summary=output.get("summary") or "",
        annotations_count=output.get("annotations_count") or 0,
    )
