"""Reviews and review comments. https://docs.github.com/rest/pulls/reviews, https://docs.github.com/rest/pulls/comments"""

from demo.github import diffs
from demo.github.clock import now
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.records import Happening, Pull, Review, ReviewComment
from demo.github.rest.comments import react, reactions
from demo.github.rest.issues import check_body
from demo.github.rest.pulls import READ, WRITE
from demo.github.rest.repositories import REPO
from demo.github.routing import Call, Reply, route
from demo.github.shapes import pull as shapes
from demo.github.view import Json, node_id

EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _review(call: Call) -> Review:
    found = call.repo.reviews.get(call.number("review_id"))
    if found is None or found.number != call.number("pull_number"):
        raise not_found()
    return found


def _comment(call: Call) -> ReviewComment:
    found = call.repo.review_comments.get(call.number("comment_id"))
    if found is None:
        raise not_found()
    return found


@route("GET", f"{REPO}/pulls/{{pull_number}}/reviews", needs=READ)
def reviews(call: Call) -> Reply:
    pull, _ = call.pull()
    found = [one for one in call.repo.reviews.values() if one.number == pull.number]
    return page(call, found, lambda one: shapes.review(call.view, call.repo, one))


@route("GET", f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}", needs=READ)
def review(call: Call) -> Reply:
    return Reply(200, shapes.review(call.view, call.repo, _review(call)))


@route("GET", f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}/comments", needs=READ)
def review_comments(call: Call) -> Reply:
    wanted = _review(call).id
    found = [one for one in call.repo.review_comments.values() if one.review_id == wanted]
    return page(call, found, lambda one: shapes.review_comment(call.view, call.repo, one))


@route("POST", f"{REPO}/pulls/{{pull_number}}/reviews", needs=WRITE)
def create(call: Call) -> Reply:
    """A review with N comments is one `submitted` event and N `created` ones. Pending reviews are not kept."""
    pull, issue = call.pull()
    event = call.maybe("event", str)
    if event not in EVENTS:
        raise Refusal(
            422, "Unprocessable Entity", [f"event is one of {', '.join(EVENTS)}; the twin keeps no pending reviews"]
        )
    body = call.maybe("body", str) or ""
    check_body(body, "PullRequestReview")
    wanted = call.maybe("comments", list) or []
    if event != "COMMENT" and issue.user == call.login:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise Refusal(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
    if event != "APPROVE" and not body and not wanted:
        raise Refusal(422, "Unprocessable Entity", ["Review body can't be blank"])
    state = EVENTS[event]
    made = Review(call.world.next_id(), pull.number, call.login, "COMMENTED", body, pull.head_sha)
    if state == "APPROVED":
        made.state = "APPROVED"
    elif state == "CHANGES_REQUESTED":
        made.state = "CHANGES_REQUESTED"
    comments = [_place(call, pull, made.id, one) for one in wanted]
    _submit(call, pull, made, comments)
    return Reply(200, shapes.review(call.view, call.repo, made))


def _submit(call: Call, pull: Pull, made: Review, comments: list[ReviewComment]) -> None:
    repo = call.repo
    repo.reviews[made.id] = made
    pull.requested_reviewers = [one for one in pull.requested_reviewers if one != call.login]
    repo.issues[pull.number].updated_at = now()
    for one in comments:
        repo.review_comments[one.id] = one
    call.courier.emit(
        "pull_request_review",
        "submitted",
        repo,
        call.login,
        lambda view: {
            "review": shapes.review(view, repo, made, webhook=True),
            "pull_request": shapes.simple_pull(view, repo, pull),
        },
    )
    for one in comments:
        _tell(call, pull, one, "created")


def _tell(call: Call, pull: Pull, comment: ReviewComment, action: str, extra: Json | None = None) -> None:
    repo = call.repo
    call.courier.emit(
        "pull_request_review_comment",
        action,
        repo,
        call.login,
        lambda view: {
            "comment": shapes.review_comment(view, repo, comment),
            "pull_request": shapes.simple_pull(view, repo, pull),
            **(extra or {}),
        },
    )


def _place(call: Call, pull: Pull, review_id: int, given: Json) -> ReviewComment:
    """A comment tied to its line; 422 when the line is not in the pull request's diff, as on GitHub."""
    path, body = given.get("path"), given.get("body")
    if not isinstance(path, str) or not isinstance(body, str) or not body:
        raise Refusal(422, "Unprocessable Entity", ["A review comment needs path and body"])
    patch = next((f.patch for f in shapes.changed_files(call.repo, pull) if f.filename == path), None)
    if patch is None:
        raise Refusal(422, "Unprocessable Entity", ["Path could not be resolved"])
    made = ReviewComment(call.world.next_id(), pull.number, review_id, call.login, body, path, pull.head_sha, "", None)
    if given.get("subject_type") == "file":
        made.subject_type, made.diff_hunk = "file", patch
        return made
    side = str(given.get("side") or "RIGHT")
    line = diffs.find(patch, int(given["line"]), side) if isinstance(given.get("line"), int) else None
    if line is None and isinstance(given.get("position"), int):
        line = next((one for one in diffs.lines(patch) if one.position == given["position"]), None)
    if line is None or line.mark == "@":
        raise Refusal(422, "Unprocessable Entity", ["Line could not be resolved"])
    made.side = "LEFT" if line.new is None else "RIGHT"
    made.line = line.old if made.side == "LEFT" else line.new
    made.position, made.diff_hunk = line.position, diffs.excerpt(patch, line)
    if isinstance(given.get("start_line"), int):
        made.start_line = given["start_line"]
        made.start_side = "LEFT" if given.get("start_side") == "LEFT" else "RIGHT"
    return made


@route("GET", f"{REPO}/pulls/{{pull_number}}/comments", needs=READ)
def pull_comments(call: Call) -> Reply:
    pull, _ = call.pull()
    found = [one for one in call.repo.review_comments.values() if one.number == pull.number]
    return page(call, found, lambda one: shapes.review_comment(call.view, call.repo, one))


@route("POST", f"{REPO}/pulls/{{pull_number}}/comments", needs=WRITE)
def create_comment(call: Call) -> Reply:
    """A single comment is a review of its own, as on GitHub; with `in_reply_to` it is a reply."""
    pull, _ = call.pull()
    if (parent := call.maybe("in_reply_to", int)) is not None:
        return _reply(call, pull, parent)
    call.field("body", str, "PullRequestReviewComment")
    if call.maybe("commit_id", str) not in (None, pull.head_sha):
        raise invalid("PullRequestReviewComment", "commit_id")
    made = Review(call.world.next_id(), pull.number, call.login, "COMMENTED", "", pull.head_sha)
    comment = _place(call, pull, made.id, call.body)
    _submit(call, pull, made, [comment])
    return Reply(201, shapes.review_comment(call.view, call.repo, comment))


@route("POST", f"{REPO}/pulls/{{pull_number}}/comments/{{comment_id}}/replies", needs=WRITE)
def reply(call: Call) -> Reply:
    pull, _ = call.pull()
    return _reply(call, pull, call.number("comment_id"))


def _reply(call: Call, pull: Pull, parent_id: int) -> Reply:
    parent = call.repo.review_comments.get(parent_id)
    if parent is None or parent.number != pull.number:
        raise not_found()
    if parent.in_reply_to is not None:
        raise Refusal(422, "Validation Failed: replies to replies are not supported")
    body = call.field("body", str, "PullRequestReviewComment")
    check_body(body, "PullRequestReviewComment")
    review = Review(call.world.next_id(), pull.number, call.login, "COMMENTED", "", pull.head_sha)
    made = ReviewComment(
        call.world.next_id(),
        pull.number,
        review.id,
        call.login,
        body,
        parent.path,
        parent.commit_id,
        parent.diff_hunk,
        parent.line,
        parent.side,
        parent.start_line,
        parent.start_side,
        parent.id,
        parent.subject_type,
        parent.position,
        parent.outdated,
    )
    _submit(call, pull, review, [made])
    return Reply(201, shapes.review_comment(call.view, call.repo, made))


@route("GET", f"{REPO}/pulls/comments/{{comment_id}}", needs=READ)
def comment(call: Call) -> Reply:
    return Reply(200, shapes.review_comment(call.view, call.repo, _comment(call)))


@route("PATCH", f"{REPO}/pulls/comments/{{comment_id}}", needs=WRITE)
def edit_comment(call: Call) -> Reply:
    found = _comment(call)
    if found.user != call.login:
        raise Refusal(403, "Must have admin rights to Repository.")
    body = call.field("body", str, "PullRequestReviewComment")
    if body != found.body:
        before, found.body, found.updated_at = found.body, body, now()
        _tell(call, call.repo.pulls[found.number], found, "edited", {"changes": {"body": {"from": before}}})
    return Reply(200, shapes.review_comment(call.view, call.repo, found))


@route("GET", f"{REPO}/pulls/comments/{{comment_id}}/reactions", needs=READ)
def comment_reactions(call: Call) -> Reply:
    return reactions(call, _comment(call).reactions)


@route("POST", f"{REPO}/pulls/comments/{{comment_id}}/reactions", needs=WRITE)
def react_to_comment(call: Call) -> Reply:
    return react(call, _comment(call).reactions)


def thread(call: Call, first: ReviewComment) -> list[ReviewComment]:
    """The comments of the thread that `first` opened."""
    return [c for c in call.repo.review_comments.values() if c.id == first.id or c.in_reply_to == first.id]


def resolve(call: Call, first: ReviewComment, resolved: bool) -> None:
    """Marks a thread resolved or not, with the event about it."""
    if (first.resolved_by is not None) == resolved:
        return
    first.resolved_by = call.login if resolved else None
    repo, pull = call.repo, call.repo.pulls[first.number]
    pull_issue = repo.issues[first.number]
    pull_issue.timeline.append(Happening(call.login, f"marked a thread {'resolved' if resolved else 'unresolved'}"))
    comments = thread(call, first)
    call.courier.emit(
        "pull_request_review_thread",
        "resolved" if resolved else "unresolved",
        repo,
        call.login,
        lambda view: {
            "pull_request": shapes.simple_pull(view, repo, pull),
            "thread": {
                "node_id": thread_id(first),
                "comments": [shapes.review_comment(view, repo, one) for one in comments],
            },
        },
    )


def thread_id(first: ReviewComment) -> str:
    """The GraphQL id of a thread: the number of its first comment."""
    return node_id("PRRT", first.id)
