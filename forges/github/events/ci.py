"""Checks, statuses, workflow runs and pushes.

The sender of a CI event is whoever pushed, very often our own bot: here only the id of the App that owns the check says
whether it is ours. Fields: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run
"""

from __future__ import annotations

from typing import TypedDict

from . import fields
from .rules import TriggerRules
from .signals import (
    Actor,
    BranchPushed,
    CheckActionPressed,
    CheckRerequested,
    ChecksChanged,
    Ignored,
    RepositoryRef,
    Signal,
)
from .tickets import Payload


class _Where(TypedDict):
    installation_id: int
    repository: RepositoryRef
    actor: Actor


def _where(payload: Payload) -> _Where:
    return {
        "installation_id": fields.installation_id(payload),
        "repository": fields.repository(payload),
        "actor": fields.actor(payload, "sender"),
    }


def check_run(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    where = _where(payload)
    head_sha = fields.string(payload, "check_run", "head_sha")
    numbers = fields.pull_numbers(payload, "check_run", "pull_requests")
    ours = fields.integer(payload, "check_run", "app", "id") == rules.app_id
    if action in ("created", "completed"):
        if ours:
            return Ignored("our own check run")
        return ChecksChanged(
            **where,
            head_sha=head_sha,
            pull_numbers=numbers,
            source="check_run",
            name=fields.string(payload, "check_run", "name"),
            conclusion=fields.optional_string(payload, "check_run", "conclusion"),
        )
    if not ours:
        return Ignored(f"check run {action} of another App")
    run_id = fields.integer(payload, "check_run", "id")
    external_id = fields.optional_string(payload, "check_run", "external_id") or None
    if action == "requested_action":
        return CheckActionPressed(
            **where,
            head_sha=head_sha,
            pull_numbers=numbers,
            identifier=fields.string(payload, "requested_action", "identifier"),
            check_run_id=run_id,
            external_id=external_id,
        )
    if action == "rerequested":
        return CheckRerequested(
            **where, head_sha=head_sha, pull_numbers=numbers, check_run_id=run_id, external_id=external_id
        )
    return Ignored(f"check run {action}: nothing to do")


def check_suite(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    where = _where(payload)
    head_sha = fields.string(payload, "check_suite", "head_sha")
    numbers = fields.pull_numbers(payload, "check_suite", "pull_requests")
    ours = fields.integer(payload, "check_suite", "app", "id") == rules.app_id
    if action == "rerequested" and ours:
        return CheckRerequested(**where, head_sha=head_sha, pull_numbers=numbers, check_run_id=None, external_id=None)
    if action == "completed" and not ours:
        return ChecksChanged(
            **where,
            head_sha=head_sha,
            pull_numbers=numbers,
            source="check_suite",
            name=fields.text(payload, "check_suite", "app", "name"),
            conclusion=fields.optional_string(payload, "check_suite", "conclusion"),
        )
    return Ignored(f"check suite {action}{' (our own)' if ours else ''}: nothing to do")


def workflow_run(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    if action != "completed":
        return Ignored(f"workflow run {action}: its check runs tell more")
    return ChecksChanged(
        **_where(payload),
        head_sha=fields.string(payload, "workflow_run", "head_sha"),
        pull_numbers=fields.pull_numbers(payload, "workflow_run", "pull_requests"),
        source="workflow_run",
        name=fields.text(payload, "workflow_run", "name"),
        # `action_required` (approval for first-time contributors) shows here and in no check run.
        conclusion=fields.optional_string(payload, "workflow_run", "conclusion"),
    )


def status(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    return ChecksChanged(
        **_where(payload),
        head_sha=fields.string(payload, "sha"),
        pull_numbers=(),
        source="status",
        name=fields.string(payload, "context"),
        conclusion=fields.string(payload, "state"),
    )


def push(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    where = _where(payload)
    if where["actor"].id == rules.bot_user_id:
        return Ignored("our own doing")
    ref = fields.string(payload, "ref")
    if not ref.startswith("refs/heads/"):
        return Ignored("a tag was pushed")
    return BranchPushed(
        **where,
        ref=ref,
        before=fields.string(payload, "before"),
        after=fields.string(payload, "after"),
        forced=fields.boolean(payload, "forced"),
        deleted=fields.boolean(payload, "deleted"),
    )
