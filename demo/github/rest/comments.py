"""Comments on issues and pull requests, and reactions to them.

https://docs.github.com/rest/issues/comments, https://docs.github.com/rest/reactions
"""

from demo.github.clock import now
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.records import Comment, Reaction
from demo.github.rest.issues import READ, WRITE, check_body
from demo.github.rest.repositories import REPO
from demo.github.routing import Call, Reply, route
from demo.github.shapes import issue as shapes
from demo.github.view import Json, View


def _comment(call: Call) -> Comment:
    found = call.repo.comments.get(call.number("comment_id"))
    if found is None:
        raise not_found()
    return found


def _tell(call: Call, comment: Comment, action: str, extra: Json | None = None) -> None:
    repo = call.repo
    parent = repo.issues[comment.number]

    def draw(view: View) -> Json:
        drawn = {"issue": shapes.issue(view, repo, parent), "comment": shapes.comment(view, repo, comment)}
        return {**drawn, **(extra or {})}

    call.courier.emit("issue_comment", action, repo, call.login, draw)


@route("GET", f"{REPO}/issues/{{issue_number}}/comments", needs=READ)
def comments(call: Call) -> Reply:
    number = call.issue().number
    found = [c for c in call.repo.comments.values() if c.number == number]
    return page(call, found, lambda one: shapes.comment(call.view, call.repo, one))


@route("POST", f"{REPO}/issues/{{issue_number}}/comments", needs=WRITE)
def create(call: Call) -> Reply:
    parent = call.issue()
    body = call.field("body", str, "IssueComment")
    if not body.strip():
        raise invalid("IssueComment", "body", "custom", "body cannot be blank")
    check_body(body, "IssueComment")
    made = Comment(call.world.next_id(), parent.number, body, call.login, call.via_app)
    call.repo.comments[made.id] = made
    parent.updated_at = now()
    _tell(call, made, "created")
    return Reply(201, shapes.comment(call.view, call.repo, made))


@route("GET", f"{REPO}/issues/comments/{{comment_id}}", needs=READ)
def comment(call: Call) -> Reply:
    return Reply(200, shapes.comment(call.view, call.repo, _comment(call)))


def _may_change(call: Call, found: Comment) -> None:
    own = found.user == call.login
    if not own and (call.actor.kind == "installation" or not call.has_role("write")):
        raise Refusal(403, "Must have admin rights to Repository.")


@route("PATCH", f"{REPO}/issues/comments/{{comment_id}}", needs=WRITE)
def edit(call: Call) -> Reply:
    found = _comment(call)
    _may_change(call, found)
    body = call.field("body", str, "IssueComment")
    check_body(body, "IssueComment")
    if body != found.body:
        before, found.body, found.updated_at = found.body, body, now()
        _tell(call, found, "edited", {"changes": {"body": {"from": before}}})
    return Reply(200, shapes.comment(call.view, call.repo, found))


@route("DELETE", f"{REPO}/issues/comments/{{comment_id}}", needs=WRITE)
def delete(call: Call) -> Reply:
    found = _comment(call)
    _may_change(call, found)
    del call.repo.comments[found.id]
    _tell(call, found, "deleted")
    return Reply(204)


def react(call: Call, given: list[Reaction]) -> Reply:
    """Adds the caller's reaction: 201, or 200 when it was there already."""
    content = call.field("content", str, "Reaction")
    if content not in shapes.REACTIONS:
        raise invalid("Reaction", "content")
    for one in given:
        if one.user == call.login and one.content == content:
            return Reply(200, shapes.reaction(call.view, one))
    made = Reaction(call.world.next_id(), call.login, content)
    given.append(made)
    return Reply(201, shapes.reaction(call.view, made))


def reactions(call: Call, given: list[Reaction]) -> Reply:
    wanted = call.query.get("content")
    found = [one for one in given if wanted in (None, one.content)]
    return page(call, found, lambda one: shapes.reaction(call.view, one))


@route("GET", f"{REPO}/issues/comments/{{comment_id}}/reactions", needs=READ)
def comment_reactions(call: Call) -> Reply:
    return reactions(call, _comment(call).reactions)


@route("POST", f"{REPO}/issues/comments/{{comment_id}}/reactions", needs=WRITE)
def react_to_comment(call: Call) -> Reply:
    return react(call, _comment(call).reactions)


@route("GET", f"{REPO}/issues/{{issue_number}}/reactions", needs=READ)
def issue_reactions(call: Call) -> Reply:
    return reactions(call, call.issue().reactions)


@route("POST", f"{REPO}/issues/{{issue_number}}/reactions", needs=WRITE)
def react_to_issue(call: Call) -> Reply:
    return react(call, call.issue().reactions)
