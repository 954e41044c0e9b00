"""The task as people see it: the sticky comment and the check run, drawn from the row and the event log (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forges.github.markdown import fit
from store import TERMINAL, Stage
from store.budgets import Spending, dollars
from store.events import Event
from workers import kernel_requests

HEADLINES: dict[Stage, str] = {
    Stage.RECEIVED: "Taken. Work starts now.",
    Stage.TRIAGED: "Finding out what to work on.",
    Stage.RESEARCHING: "Reading the code.",
    Stage.PLANNING: "Planning the change.",
    Stage.IMPLEMENTING: "Changing the code in a sandbox.",
    Stage.PROVING: "Proving the change on base and head.",
    Stage.PUBLISHING: "Publishing the change.",
    Stage.WATCHING_CI: "Waiting for CI.",
    Stage.REPAIRING: "CI failed: repairing.",
    Stage.IN_REVIEW: "Ready for review.",
    Stage.REVISING: "Answering the review.",
    Stage.EXPLAINING: "Looking for the answer.",
    Stage.DONE: "Done.",
    Stage.FAILED: "Failed.",
    Stage.CANCELLED: "Stopped.",
    Stage.NEEDS_HUMAN: "A person has to decide.",
}

# The steps people follow; later rounds go through some of them again.
_STEPS: tuple[tuple[str, frozenset[Stage]], ...] = (
    ("Research", frozenset({Stage.RESEARCHING})),
    ("Plan", frozenset({Stage.PLANNING})),
    ("Change", frozenset({Stage.IMPLEMENTING})),
    ("Proof", frozenset({Stage.PROVING})),
    ("Pull request", frozenset({Stage.PUBLISHING})),
    ("CI", frozenset({Stage.WATCHING_CI, Stage.REPAIRING})),
    ("Review", frozenset({Stage.IN_REVIEW, Stage.REVISING})),
)
_LOG_SHOWN = 12
# GitHub takes 65,536 characters and a comment that is cut loses its end, where the marker stands by which it is found
# again. So the parts that have no end of their own are cut here.
_PLAN_CHARS = 30_000
_LINE_CHARS = 1_500
_PATHS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """What the drawing needs. Times are Unix seconds; `proof` is a line, `plan` Markdown of our own quoting."""

    stage: Stage
    reason: str | None
    asked_by: str
    trigger: str
    base_branch: str | None
    base_why: str | None
    isolation: str | None
    models: Sequence[str]
    spending: Spending
    limit_usd_nanos: int
    limit_steps: int
    active_seconds: float
    pull_number: int | None
    head_sha: str | None
    plan: str | None
    proof: str | None
    events: Sequence[Event]
    left_out: Sequence[str]
    saved_patch: bool
    in_line: tuple[int, int] | None
    optimizes: str | None = None
    """The kernel that is made faster, where that is the whole task."""


def headline(picture: Picture) -> str:
    if picture.in_line is not None and picture.stage not in TERMINAL:
        number, of = picture.in_line
        return f"Waiting for a machine: number {number} of {of} in line."
    return HEADLINES[picture.stage]


def draw_comment(picture: Picture) -> str:
    """The sticky comment, without its marker."""
    parts = [f"**{headline(picture)}**{_why(picture)}", _steps(picture), _facts(picture)]
    if picture.plan:
        parts.append(_folded("Plan", fit(picture.plan, _PLAN_CHARS)))
    log = _log(picture.events)
    if log:
        parts.append(_folded("What happened", log))
    parts.append(_what_you_can_do(picture))
    return "\n\n".join(part for part in parts if part)


def draw_check_text(picture: Picture) -> str:
    """The longer text of the check run: facts, plan and what happened."""
    parts = [_steps(picture), _facts(picture)]
    if picture.plan:
        parts.append(f"### Plan\n\n{fit(picture.plan, _PLAN_CHARS)}")
    log = _log(picture.events)
    if log:
        parts.append(f"### What happened\n\n{log}")
    return "\n\n".join(parts)


def _why(picture: Picture) -> str:
    return f" {quiet(picture.reason)}" if picture.reason and picture.stage in TERMINAL else ""


def _steps(picture: Picture) -> str:
    been = {Stage(event.stage) for event in picture.events if event.kind == "stage"}
    ended = picture.stage in TERMINAL
    lines = []
    for title, stages in _STEPS:
        if picture.optimizes and title in ("Research", "Plan"):
            continue
        now = picture.stage in stages
        # A step is ticked when the task has been there and has moved on; an end leaves what it interrupted open.
        interrupted = ended and picture.stage is not Stage.DONE and _last_live(picture.events) in stages
        done = bool(been & stages) and not now and not interrupted
        if picture.stage is Stage.IN_REVIEW and title == "Review":
            lines.append(f"- [ ] {title}: waiting for yours")
        else:
            lines.append(f"- [{'x' if done else ' '}] {title}{' (now)' if now else ''}")
    return "\n".join(lines)


def _last_live(events: Sequence[Event]) -> Stage | None:
    live = [Stage(event.stage) for event in events if event.kind == "stage" and Stage(event.stage) not in TERMINAL]
    return live[-1] if live else None


def _facts(picture: Picture) -> str:
    rows = [("Asked by", f"`{picture.asked_by}` ({picture.trigger.replace('_', ' ')})")]
    if picture.optimizes:
        rows.append(("Kernel", f"`{quiet(picture.optimizes)}`"))
    if picture.base_branch:
        rows.append(("Base", f"`{picture.base_branch}` ({quiet(picture.base_why or '')})"))
    if picture.pull_number:
        rows.append(("Pull request", f"#{picture.pull_number}"))
    if picture.proof:
        rows.append(("Proof", quiet(picture.proof)))
    if picture.isolation:
        rows.append(
            (
                "Sandbox",
                "**none: commands run unisolated on the worker**" if picture.isolation == "none" else picture.isolation,
            )
        )
    if picture.models:
        rows.append(("Model", ", ".join(f"`{model}`" for model in picture.models)))
    rows.append(
        (
            "Used",
            f"{dollars(picture.spending.usd_nanos)}{_of(picture.limit_usd_nanos)}, "
            f"{picture.spending.steps} of {picture.limit_steps} model calls, {picture.active_seconds:.0f} s of work",
        )
    )
    if picture.left_out:
        paths = [f"`{quiet(path)}`" for path in picture.left_out[:_PATHS_SHOWN]]
        if more := len(picture.left_out) - len(paths):
            paths.append(f"and {more} more")
        rows.append(("Left out", "changes only people may make: " + ", ".join(paths)))
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


def _of(limit_usd_nanos: int) -> str:
    return f" of {dollars(limit_usd_nanos)}" if limit_usd_nanos else ""


def _what_you_can_do(picture: Picture) -> str:
    saved = " What was changed so far is saved as a patch." if picture.saved_patch else ""
    if picture.stage in TERMINAL:
        return f"To go on: `/forgehand retry`.{saved}"
    if picture.optimizes and picture.pull_number is None:
        return "`/forgehand stop` stops, `/forgehand retry` starts again after an end."
    return "Comment to steer. `/forgehand stop` stops, `/forgehand retry` starts again after an end."


def _log(events: Sequence[Event]) -> str:
    lines = [line for event in events if (line := describe(event)) is not None]
    shown = lines[-_LOG_SHOWN:]
    if len(lines) > len(shown):
        shown.insert(0, f"- ({len(lines) - len(shown)} earlier lines are in the task's log)")
    return "\n".join(shown)


def describe(event: Event) -> str | None:
    """One line for people, or None for an event that only machines need."""
    data = event.data
    match event.kind:
        case "stage":
            return f"- {HEADLINES[Stage(event.stage)]}"
        case "progress":
            return f"- {quiet(data['line'])}"
        case "proof":
            return f"- Proof: {data['verdict'].replace('_', ' ')}. {quiet(data['reason'])}"
        case "ci":
            return f"- CI: {data['state']}. {quiet(data['reason'])}"
        case "waiting":
            return f"- Waiting {data['seconds']:.0f} s: {quiet(data['why'])}"
        case "fallback":
            return f"- {quiet(data['line'])}"
        case "not_located":
            return f"- The code could not be searched for the ticket, work goes on without: {quiet(data['why'])}"
        case "box_lost":
            return f"- The sandbox was lost and is built again: {quiet(data['why'])}"
        case "unread":
            return f"- A comment by `{data['author']}` was not passed on (permission: {data['permission']})"
        case "pushed_by_others":
            return f"- Somebody else pushed `{data['sha'][:12]}`: going on from there"
        case "replied":
            return f"- Answered {data['count']} comments"
    return None


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def quiet(text: str) -> str:
    """Text of unknown origin on one line in which no mention, link to an issue, HTML or table cell comes alive."""
    line = " ".join(text.split())
    if len(line) > _LINE_CHARS:
        line = line[:_LINE_CHARS] + " [...]"
    line = line.replace("<", "&lt;").replace("|", "\\|")
    for sign in "@#":
        line = line.replace(sign, f"{sign}\u200b")
    return line


def picture_of(
    task: Any, events: Sequence[Event], spending: Spending, *, proof: str | None, plan: str | None
) -> Picture:
    """The picture of a task's row (`store.schema.Task`)."""
    data = task.data
    return Picture(
        stage=Stage(task.stage),
        reason=task.reason,
        asked_by=task.request.get("actor", "unknown"),
        trigger=task.request.get("trigger", "unknown"),
        base_branch=task.base_branch,
        base_why=data.get("base_why"),
        isolation=data.get("isolation"),
        models=data.get("models", []),
        spending=spending,
        limit_usd_nanos=task.limit_usd_nanos,
        limit_steps=task.limit_steps,
        active_seconds=task.active_seconds,
        pull_number=task.pull_number,
        head_sha=task.head_sha,
        plan=plan,
        proof=proof,
        events=events,
        left_out=data.get("left_out", []),
        saved_patch=bool(data.get("saved_patch")),
        in_line=(in_line["number"], in_line["of"]) if (in_line := data.get("in_line")) else None,
        optimizes=kernel_requests.target_of(task),
    )
