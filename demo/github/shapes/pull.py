"""Pull requests, reviews and review comments."""

from demo.github import git
from demo.github.clock import maybe_stamp, stamp
from demo.github.records import Pull, Repository, Review, ReviewComment
from demo.github.shapes import issue as issue_shapes
from demo.github.shapes.people import maybe_user, user
from demo.github.shapes.repository import html_url, label, url
from demo.github.shapes.repository import repository as draw_repository
from demo.github.view import Json, View, node_id


def _end(view: View, repository: Repository, ref: str, sha: str) -> Json:
    return {
        "label": f"{repository.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(view, repository.owner),
        "repo": draw_repository(view, repository),
    }


def simple_pull(view: View, repository: Repository, pull: Pull) -> Json:
    """`pull-request-simple`: as lists have it."""
    record = repository.issues[pull.number]
    own = f"{url(view, repository)}/pulls/{pull.number}"
    side = f"{url(view, repository)}/issues/{pull.number}"
    page = f"{html_url(view, repository)}/pull/{pull.number}"
    statuses = f"{url(view, repository)}/statuses/{pull.head_sha}"
    return {
        "url": own,
        "id": pull.id,
        "node_id": node_id("PR", record.id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": side,
        "number": pull.number,
        "state": record.state,
        "locked": False,
        "title": record.title,
        "user": user(view, record.user),
        "body": record.body,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "closed_at": maybe_stamp(record.closed_at),
        "merged_at": maybe_stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": maybe_user(view, record.assignees[0] if record.assignees else None),
        "assignees": [user(view, login) for login in record.assignees],
        "requested_reviewers": [user(view, login) for login in pull.requested_reviewers],
        "requested_teams": [],
        "labels": [label(view, repository, repository.labels[name]) for name in record.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{own}/commits",
        "review_comments_url": f"{own}/comments",
        "review_comment_url": f"{url(view, repository)}/pulls/comments{{/number}}",
        "comments_url": f"{side}/comments",
        "statuses_url": statuses,
        "head": _end(view, repository, pull.head, pull.head_sha),
        "base": _end(view, repository, pull.base, pull.base_sha),
        "_links": {
            "self": {"href": own},
            "html": {"href": page},
            "issue": {"href": side},
            "comments": {"href": f"{side}/comments"},
            "review_comments": {"href": f"{own}/comments"},
            "review_comment": {"href": f"{url(view, repository)}/pulls/comments{{/number}}"},
            "commits": {"href": f"{own}/commits"},
            "statuses": {"href": statuses},
        },
        "author_association": view.world.association(repository, record.user),
        "auto_merge": None,
        "active_lock_reason": None,
    }


def pull(view: View, repository: Repository, record: Pull) -> Json:
    """`pull-request`. `mergeable` is what is known so far: null until somebody's request made the twin compute it."""
    files = changed_files(repository, record)
    known = record.mergeable if record.mergeable_for == (record.base_sha, record.head_sha) else None
    merged = record.merged_at is not None
    return {
        **simple_pull(view, repository, record),
        "merged": merged,
        "mergeable": None if merged else known,
        "rebaseable": None if merged else known,
        "mergeable_state": "unknown" if known is None or merged else _state(record, known),
        "merged_by": maybe_user(view, record.merged_by),
        "comments": sum(1 for c in repository.comments.values() if c.number == record.number),
        "review_comments": sum(1 for c in repository.review_comments.values() if c.number == record.number),
        "maintainer_can_modify": record.maintainer_can_modify,
        "commits": len(own_commits(repository, record)),
        "additions": sum(f.additions for f in files),
        "deletions": sum(f.deletions for f in files),
        "changed_files": len(files),
    }


def _state(record: Pull, mergeable: bool) -> str:
    if not mergeable:
        return "dirty"
    return "draft" if record.draft else "clean"


def fork_point(repository: Repository, record: Pull) -> str:
    return git.merge_base(repository.path, record.base_sha, record.head_sha) or record.base_sha


def changed_files(repository: Repository, record: Pull) -> list[git.FileDiff]:
    """The pull request's own changes: from where it left its base to its head."""
    return git.diff(repository.path, fork_point(repository, record), record.head_sha)


def own_commits(repository: Repository, record: Pull) -> list[git.Commit]:
    return git.commits(repository.path, f"{record.base_sha}..{record.head_sha}", oldest_first=True)


def minimal_pull(view: View, repository: Repository, record: Pull) -> Json:
    """`pull-request-minimal`, as check runs carry it."""
    repo = {"id": repository.id, "name": repository.name, "url": url(view, repository)}
    return {
        "id": record.id,
        "number": record.number,
        "url": f"{url(view, repository)}/pulls/{record.number}",
        "head": {"ref": record.head, "sha": record.head_sha, "repo": repo},
        "base": {"ref": record.base, "sha": record.base_sha, "repo": repo},
    }


def open_pulls_at(repository: Repository, sha: str) -> list[Pull]:
    return [p for p in repository.pulls.values() if p.head_sha == sha and repository.issues[p.number].state == "open"]


def review(view: View, repository: Repository, record: Review, *, webhook: bool = False) -> Json:
    """`pull-request-review`. The state is upper case over REST and lower case in webhooks, as on GitHub."""
    own = f"{url(view, repository)}/pulls/{record.number}"
    page = f"{html_url(view, repository)}/pull/{record.number}#pullrequestreview-{record.id}"
    drawn = {
        "id": record.id,
        "node_id": node_id("PRR", record.id),
        "user": user(view, record.user),
        "body": record.body,
        "state": record.state.lower() if webhook else record.state,
        "html_url": page,
        "pull_request_url": own,
        "author_association": view.world.association(repository, record.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": own}},
        "submitted_at": stamp(record.submitted_at),
        "commit_id": record.commit_id,
    }
    if webhook:
        drawn["updated_at"] = stamp(record.submitted_at)
        drawn["body"] = record.body or None
    return drawn


def review_comment(view: View, repository: Repository, record: ReviewComment) -> Json:
    """`pull-request-review-comment`. An outdated comment keeps its original line and has no line of now."""
    own = f"{url(view, repository)}/pulls/comments/{record.id}"
    parent = f"{url(view, repository)}/pulls/{record.number}"
    page = f"{html_url(view, repository)}/pull/{record.number}#discussion_r{record.id}"
    drawn: Json = {
        "url": own,
        "pull_request_review_id": record.review_id,
        "id": record.id,
        "node_id": node_id("PRRC", record.id),
        "diff_hunk": record.diff_hunk,
        "path": record.path,
        "commit_id": record.commit_id,
        "original_commit_id": record.commit_id,
        "user": user(view, record.user),
        "body": record.body,
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "html_url": page,
        "pull_request_url": parent,
        "author_association": view.world.association(repository, record.user),
        "_links": {"self": {"href": own}, "html": {"href": page}, "pull_request": {"href": parent}},
        "reactions": issue_shapes.reactions(own, record.reactions),
        "start_line": None if record.outdated else record.start_line,
        "original_start_line": record.start_line,
        "start_side": record.start_side,
        "line": None if record.outdated else record.line,
        "original_line": record.line,
        "side": record.side,
        "original_position": record.position,
        "position": None if record.outdated else record.position,
        "subject_type": record.subject_type,
    }
    if record.in_reply_to is not None:
        drawn["in_reply_to_id"] = record.in_reply_to
    return drawn
