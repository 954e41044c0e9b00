"""Reviews of pull requests. A review with N inline comments is 1 + N deliveries, in any order.

Fields: https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review
"""

from __future__ import annotations

from dataclasses import replace

from . import fields
from .guard import refuse_actor, refuse_hops
from .rules import TriggerRules
from .signals import Ignored, ReviewCommented, ReviewSubmitted, Signal
from .tickets import Payload, explain, interrupt, place


def pull_request_review(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    if action != "submitted":
        return Ignored(f"a review was {action}: only submitted reviews are requests")
    where = place(payload, "pull_request")
    body = fields.text(payload, "review", "body")
    if reason := refuse_actor(rules, where["actor"]) or refuse_hops(rules, body):
        return Ignored(reason)
    review_id = fields.integer(payload, "review", "id")
    if signal := interrupt(where, body, None, rules) or explain(
        payload, "pull_request", where, f"review:{review_id}", body, rules
    ):
        return signal
    return ReviewSubmitted(
        **where,
        review_id=review_id,
        # Lower case in deliveries, upper case in REST.
        state=fields.string(payload, "review", "state").lower(),
        body=body,
        commit_id=fields.optional_string(payload, "review", "commit_id"),
        head_ref=fields.string(payload, "pull_request", "head", "ref"),
        author_id=fields.optional_integer(payload, "pull_request", "user", "id"),
    )


def pull_request_review_comment(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    if action != "created":
        return Ignored(f"a review comment was {action}: only new comments are requests")
    where = place(payload, "pull_request")
    body = fields.text(payload, "comment", "body")
    comment_id = fields.integer(payload, "comment", "id")
    app = fields.find(payload, "comment", "performed_via_github_app")
    if reason := refuse_actor(rules, where["actor"], app) or refuse_hops(rules, body):
        return Ignored(reason)
    path = fields.string(payload, "comment", "path")
    if asked := explain(payload, "pull_request", where, f"review_comment:{comment_id}", body, rules):
        return replace(asked, path=path)
    return interrupt(where, body, comment_id, rules) or ReviewCommented(
        **where,
        comment_id=comment_id,
        review_id=fields.optional_integer(payload, "comment", "pull_request_review_id"),
        in_reply_to_id=fields.optional_integer(payload, "comment", "in_reply_to_id"),
        body=body,
        path=path,
        line=fields.optional_integer(payload, "comment", "line"),
        start_line=fields.optional_integer(payload, "comment", "start_line"),
        side=fields.optional_string(payload, "comment", "side"),
        commit_id=fields.optional_string(payload, "comment", "commit_id"),
        diff_hunk=fields.text(payload, "comment", "diff_hunk"),
        head_ref=fields.string(payload, "pull_request", "head", "ref"),
        author_id=fields.optional_integer(payload, "pull_request", "user", "id"),
    )
