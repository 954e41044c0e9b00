"""Issues, comments and reactions."""

from collections import Counter
from typing import Any

from demo.github.clock import maybe_stamp, stamp
from demo.github.records import Comment, Issue, Reaction, Repository
from demo.github.shapes.people import maybe_app, maybe_user, user
from demo.github.shapes.repository import html_url, label, url
from demo.github.view import Json, View, node_id

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def web_url(view: View, repository: Repository, record: Issue) -> str:
    return f"{html_url(view, repository)}/{'pull' if record.is_pull else 'issues'}/{record.number}"


def reactions(link: str, given: list[Reaction]) -> Json:
    """`reaction-rollup`."""
    counts = Counter(reaction.content for reaction in given)
    return {"url": f"{link}/reactions", "total_count": len(given), **{kind: counts[kind] for kind in REACTIONS}}


def reaction(view: View, record: Reaction) -> Json:
    """`reaction`."""
    return {
        "id": record.id,
        "node_id": node_id("REA", record.id),
        "user": user(view, record.user),
        "content": record.content,
        "created_at": stamp(record.created_at),
    }


def issue(view: View, repository: Repository, record: Issue) -> Json:
    """`issue`, and the issue of webhooks; a pull request's issue side carries `pull_request`."""
    own = f"{url(view, repository)}/issues/{record.number}"
    page = web_url(view, repository, record)
    drawn: dict[str, Any] = {
        "url": own,
        "repository_url": url(view, repository),
        "labels_url": f"{own}/labels{{/name}}",
        "comments_url": f"{own}/comments",
        "events_url": f"{own}/events",
        "timeline_url": f"{own}/timeline",
        "html_url": page,
        "id": record.id,
        "node_id": node_id("PR" if record.is_pull else "I", record.id),
        "number": record.number,
        "title": record.title,
        "user": user(view, record.user),
        "labels": [label(view, repository, repository.labels[name]) for name in record.labels],
        "state": record.state,
        "state_reason": record.state_reason,
        "locked": False,
        "active_lock_reason": None,
        "assignee": maybe_user(view, record.assignees[0] if record.assignees else None),
        "assignees": [user(view, login) for login in record.assignees],
        "milestone": None,
        "comments": sum(1 for comment in repository.comments.values() if comment.number == record.number),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "closed_at": maybe_stamp(record.closed_at),
        "author_association": view.world.association(repository, record.user),
        "body": record.body,
        "reactions": reactions(own, record.reactions),
        "performed_via_github_app": maybe_app(view, record.via_app),
    }
    if record.is_pull:
        pull = repository.pulls[record.number]
        drawn["draft"] = pull.draft
        drawn["pull_request"] = {
            "url": f"{url(view, repository)}/pulls/{record.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": maybe_stamp(pull.merged_at),
        }
    return drawn


def closed_issue(view: View, repository: Repository, record: Issue) -> Json:
    """The issue as a single answer has it: with who closed it."""
    return {**issue(view, repository, record), "closed_by": maybe_user(view, record.closed_by)}


def comment(view: View, repository: Repository, record: Comment) -> Json:
    """`issue-comment`."""
    own = f"{url(view, repository)}/issues/comments/{record.id}"
    parent = repository.issues[record.number]
    return {
        "url": own,
        "html_url": f"{web_url(view, repository, parent)}#issuecomment-{record.id}",
        "issue_url": f"{url(view, repository)}/issues/{record.number}",
        "id": record.id,
        "node_id": node_id("IC", record.id),
        "user": user(view, record.user),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "body": record.body,
        "author_association": view.world.association(repository, record.user),
        "reactions": reactions(own, record.reactions),
        "performed_via_github_app": maybe_app(view, record.via_app),
    }
