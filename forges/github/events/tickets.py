"""Issues, pull requests as subjects, and the comments on both.

Fields: https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues, #issue_comment, #pull_request
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypedDict

from ..markdown import (
    Optimization,
    base_option,
    find_command,
    find_optimization,
    find_question,
    find_verification,
    mention_line,
    neutralise,
)
from ..markers import hops
from . import fields
from .guard import refuse_actor, refuse_hops
from .rules import TriggerRules
from .signals import (
    Actor,
    CloseReason,
    ExplainRequested,
    Ignored,
    PullRequestMoved,
    RepositoryRef,
    RetryRequested,
    Signal,
    Steering,
    StopRequested,
    SubjectClosed,
    SubjectEdited,
    SubjectReopened,
    TaskRequested,
    Trigger,
    Unassigned,
    Unlabelled,
    VerifyKernelsRequested,
)

Payload = Mapping[str, Any]
_KERNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


class _Place(TypedDict):
    installation_id: int
    repository: RepositoryRef
    actor: Actor
    number: int
    is_pull_request: bool


def place(payload: Payload, kind: Literal["issue", "pull_request"]) -> _Place:
    """The fields that every signal on an issue or pull request shares."""
    return {
        "installation_id": fields.installation_id(payload),
        "repository": fields.repository(payload),
        "actor": fields.actor(payload, "sender"),
        "number": fields.integer(payload, kind, "number"),
        "is_pull_request": kind == "pull_request" or fields.find(payload, "issue", "pull_request") is not None,
    }


def issues(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    return _subject(action, payload, rules, "issue")


def pull_request(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    meant = _subject(action, payload, rules, "pull_request")
    onto_another = action == "edited" and fields.find(payload, "changes", "base") is not None
    if action not in ("opened", "reopened", "synchronize") and not onto_another:
        return meant
    if not isinstance(meant, TaskRequested | ExplainRequested | SubjectReopened | SubjectEdited | Ignored):
        raise AssertionError(f"a pull request {action} cannot mean {type(meant).__name__}")
    head_sha = fields.string(payload, "pull_request", "head", "sha")
    return PullRequestMoved(**place(payload, "pull_request"), head_sha=head_sha, meant=meant)


def issue_comment(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    if action != "created":
        return Ignored(f"a comment was {action}: only new comments are requests")
    where = place(payload, "issue")
    body = fields.text(payload, "comment", "body")
    comment_id = fields.integer(payload, "comment", "id")
    app = fields.find(payload, "comment", "performed_via_github_app")
    if reason := refuse_actor(rules, where["actor"], app) or refuse_hops(rules, body):
        return Ignored(reason)
    if signal := interrupt(where, body, comment_id, rules):
        return signal
    if asked := explain(payload, "issue", where, f"comment:{comment_id}", body, rules):
        return replace(asked, comment_id=comment_id)
    if (name := find_verification(body, rules.command)) is not None:
        name, problem = _kernel_name(name)
        return VerifyKernelsRequested(**where, comment_id=comment_id, name=name, problem=problem, hop=hops(body) + 1)
    if (faster := find_optimization(body, rules.command, rules.app_slug)) is not None:
        return _faster(_request(payload, "issue", where, "command", body, comment_id, hops(body), None, None), faster)
    command = find_command(body, rules.command, rules.app_slug)
    if command is not None:
        return _request(payload, "issue", where, "command", body, comment_id, hops(body), command.base, command.problem)
    line = mention_line(body, rules.app_slug)
    if line is not None:
        return _request(payload, "issue", where, "mention", body, comment_id, hops(body), *base_option(line))
    return Steering(**where, comment_id=comment_id, body=body)


def _kernel_name(given: str) -> tuple[str | None, str | None]:
    """The name as it may stand in `.forgehand.yml`, None for all; and what is wrong with what was given."""
    if not given or _KERNEL.fullmatch(given):
        return given or None, None
    return None, f"`{neutralise(given[:60].replace('`', ''))}` is no name of a kernel"


def explain(
    payload: Payload, kind: str, where: _Place, said_in: str, text: str, rules: TriggerRules
) -> ExplainRequested | None:
    """The question about the code in a comment, a review or a subject's own text."""
    question = find_question(text, rules.command, rules.app_slug)
    if question is None:
        return None
    return ExplainRequested(
        **where,
        said_in=said_in,
        question=question,
        title=fields.string(payload, kind, "title"),
        body=fields.text(payload, kind, "body"),
        hop=hops(text) + 1,
    )


def interrupt(
    where: _Place, body: str, comment_id: int | None, rules: TriggerRules
) -> StopRequested | RetryRequested | None:
    """The stop or retry in a comment or review, wherever it was written."""
    command = find_command(body, rules.command, rules.app_slug)
    if command is not None and command.verb == "stop":
        return StopRequested(**where, comment_id=comment_id)
    if command is not None and command.verb == "retry":
        return RetryRequested(**where, comment_id=comment_id, base=command.base, problem=command.problem)
    return None


def _subject(action: str, payload: Payload, rules: TriggerRules, kind: Literal["issue", "pull_request"]) -> Signal:
    where = place(payload, kind)
    if reason := refuse_actor(rules, where["actor"]):
        return Ignored(reason)
    match action:
        case "assigned":
            return _assigned(payload, kind, where, rules)
        case "unassigned":
            login = fields.string(payload, "assignee", "login")
            return Unassigned(**where, login=login) if rules.asks_by_assignment(login) else _other("assignee")
        case "labeled":
            return _labelled(payload, kind, where, rules)
        case "unlabeled":
            name = fields.string(payload, "label", "name")
            return Unlabelled(**where, label=name) if rules.asks_by_label(name) else _other("label")
        case "opened":
            return _opened(payload, kind, where, rules)
        case "closed" | "deleted" | "transferred":
            merged = kind == "pull_request" and fields.find(payload, kind, "merged") is True
            how: CloseReason = "merged" if merged else action
            return SubjectClosed(**where, reason=how)
        case "reopened":
            return SubjectReopened(**where)
        case "edited":
            return SubjectEdited(
                **where,
                title=fields.string(payload, kind, "title"),
                body=fields.text(payload, kind, "body"),
                base_changed=fields.find(payload, "changes", "base") is not None,
            )
    return Ignored(f"{kind} {action}: nothing to do")


def _other(what: str) -> Ignored:
    return Ignored(f"another {what}")


def _assigned(payload: Payload, kind: str, where: _Place, rules: TriggerRules) -> Signal:
    # GitHub sends the one just assigned at the top level; `assignees` also holds those of before.
    if not rules.asks_by_assignment(fields.string(payload, "assignee", "login")):
        return _other("assignee")
    return _by_gesture(payload, kind, where, rules, "assigned")


def _labelled(payload: Payload, kind: str, where: _Place, rules: TriggerRules) -> Signal:
    if not rules.asks_by_label(fields.string(payload, "label", "name")):
        return _other("label")
    return _by_gesture(payload, kind, where, rules, "label")


def _by_gesture(payload: Payload, kind: str, where: _Place, rules: TriggerRules, trigger: Trigger) -> Signal:
    """A person's gesture breaks a loop whatever the body says; a bot's does not."""
    body = fields.text(payload, kind, "body")
    if where["actor"].is_bot and (reason := refuse_hops(rules, body)):
        return Ignored(reason)
    asked = _request(payload, kind, where, trigger, body, None, hops(body), None, None)
    return _faster(asked, find_optimization(body, rules.command, rules.app_slug))


def _faster(asked: TaskRequested, what: Optimization | None) -> TaskRequested:
    """The request, with what is to be made faster where its text says so in so many words."""
    if what is None:
        return asked
    return replace(asked, optimize=what.target or None, base=what.base, problem=what.problem)


def _opened(payload: Payload, kind: str, where: _Place, rules: TriggerRules) -> Signal:
    body = fields.text(payload, kind, "body")
    line = mention_line(body, rules.app_slug)
    command = find_command(body, rules.command, rules.app_slug)
    faster = find_optimization(body, rules.command, rules.app_slug)
    if command is None and line is None and faster is None:
        return Ignored(f"{kind} opened without asking us")
    if command is not None and command.verb == "stop":
        return Ignored(f"{kind} opened with a stop: nothing runs there yet")
    if reason := refuse_hops(rules, body):
        return Ignored(reason)
    if asked := explain(payload, kind, where, "opened", body, rules):
        return asked
    base, problem = (command.base, command.problem) if command else base_option(line or "")
    return _faster(_request(payload, kind, where, "opened_mention", body, None, hops(body), base, problem), faster)


def _request(
    payload: Payload,
    kind: str,
    where: _Place,
    trigger: Trigger,
    text: str,
    comment_id: int | None,
    passed: int,
    base: str | None,
    problem: str | None,
) -> TaskRequested:
    return TaskRequested(
        **where,
        trigger=trigger,
        text=text,
        title=fields.string(payload, kind, "title"),
        body=fields.text(payload, kind, "body"),
        state=fields.string(payload, kind, "state"),
        labels=tuple(fields.string(label, "name") for label in fields.items(payload, kind, "labels")),
        milestone=fields.optional_string(payload, kind, "milestone", "title"),
        base=base,
        problem=problem,
        comment_id=comment_id,
        hop=passed + 1,
    )
