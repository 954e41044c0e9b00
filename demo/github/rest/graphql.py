"""`POST /graphql`: the few operations that REST lacks. Anything else is answered with a loud error.

Query: `repository.pullRequest` with its `reviewThreads`. Mutations: `markPullRequestReadyForReview`,
`convertPullRequestToDraft`, `resolveReviewThread`, `unresolveReviewThread`. https://docs.github.com/graphql
"""

from collections.abc import Callable, Mapping
from typing import Any

from demo.github.clock import now, stamp
from demo.github.errors import Refusal
from demo.github.graphql import Field, GraphQLError, parse, project
from demo.github.records import Happening, Pull, Repository, ReviewComment
from demo.github.rest.issues import tell
from demo.github.rest.reviews import resolve, thread, thread_id
from demo.github.routing import Call, Reply, route
from demo.github.shapes.pull import review_comment
from demo.github.view import Json, node_id, number_of

Arguments = Mapping[str, Any]
LARGEST = 100


class NotFound(GraphQLError):
    """A node id or a name that leads nowhere the caller may look."""


class Forbidden(GraphQLError):
    """The caller may see it and may not do this."""


_TYPES = {NotFound: "NOT_FOUND", Forbidden: "FORBIDDEN"}


@route("POST", "/graphql")
def graphql(call: Call) -> Reply:
    """GraphQL answers 200 also for errors; they are in `errors`, each with GitHub's `type`."""
    if call.actor.kind not in ("user", "installation"):
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    query = call.field("query", str, "GraphQL")
    variables = call.maybe("variables", dict) or {}
    data: Json = {}
    errors: list[Json] = []
    try:
        operation = parse(query, variables)
        resolvers = QUERIES if operation.kind == "query" else MUTATIONS
        root = "Query" if operation.kind == "query" else "Mutation"
        for wanted in operation.selection:
            if wanted.name not in resolvers:
                raise GraphQLError(f"Field '{wanted.name}' doesn't exist on type '{root}' of the twin")
            data[wanted.alias] = None
            data[wanted.alias] = project(wanted.name, resolvers[wanted.name](call, wanted), wanted.selection)
    except GraphQLError as error:
        errors.append({"message": str(error), "type": _TYPES.get(type(error), "undefinedField")})
        return Reply(200, {"data": data or None, "errors": errors})
    return Reply(200, {"data": data})


def _rate_limit(call: Call, wanted: Field) -> Json:
    limit = call.world.rate_limit
    return {"__typename": "RateLimit", "limit": limit, "cost": 1, "remaining": limit, "resetAt": stamp(now())}


def _repository(call: Call, wanted: Field) -> Json | None:
    owner, name = wanted.arguments.get("owner"), wanted.arguments.get("name")
    try:
        repo = call.world.repository(str(owner), str(name))
    except Refusal:
        raise NotFound(f"Could not resolve to a Repository with the name '{owner}/{name}'.") from None
    _admit(call, repo, "pull_requests", "read")

    def pull_request(arguments: Arguments) -> Json:
        number = arguments.get("number")
        if number not in repo.pulls:
            raise NotFound(f"Could not resolve to a PullRequest with the number of {number}.")
        return _pull(call, repo, repo.pulls[number])

    return {
        "__typename": "Repository",
        "id": node_id("R", repo.id),
        "nameWithOwner": repo.full_name,
        "pullRequest": pull_request,
    }


def _admit(call: Call, repo: Repository, permission: str, level: str) -> None:
    if call.actor.kind == "installation":
        if not call.actor.sees(call.world, repo) and repo.private:
            raise NotFound("Could not resolve to a node")
        if not call.actor.sees(call.world, repo) or not call.actor.allows(permission, level):
            raise Forbidden("Resource not accessible by integration")
    elif not call.world.has_role(repo, call.login, "read"):
        raise NotFound("Could not resolve to a node")
    elif level == "write" and not call.world.has_role(repo, call.login, "write"):
        raise Forbidden(f"{call.login} does not have the correct permissions to execute this")


def _pull(call: Call, repo: Repository, pull: Pull) -> Json:
    issue = repo.issues[pull.number]
    return {
        "__typename": "PullRequest",
        "id": node_id("PR", issue.id),
        "number": pull.number,
        "title": issue.title,
        "isDraft": pull.draft,
        "state": "MERGED" if pull.merged_at is not None else issue.state.upper(),
        "headRefOid": pull.head_sha,
        "headRefName": pull.head,
        "baseRefName": pull.base,
        "url": f"{call.base}/{repo.full_name}/pull/{pull.number}",
        "reviewThreads": lambda arguments: _connection(
            [_thread(call, repo, c) for c in repo.review_comments.values() if _opens(c, pull)],
            arguments,
            "ReviewThread",
        ),
    }


def _opens(comment: ReviewComment, pull: Pull) -> bool:
    return comment.number == pull.number and comment.in_reply_to is None


def _connection(nodes: list[Json], arguments: Arguments, kind: str) -> Json:
    """A page of nodes. As on GitHub, `first` or `last` is required and at most 100; cursors are opaque."""
    first = arguments.get("first")
    if not isinstance(first, int):
        raise GraphQLError(f"You must provide a `first` value to properly paginate the `{kind}` connection.")
    if not 1 <= first <= LARGEST:
        raise GraphQLError(
            f"Requesting {first} records on the connection exceeds the `first` limit of {LARGEST} records."
        )
    after = arguments.get("after")
    start = 0 if after is None else number_of("CUR", str(after))
    if start is None:
        raise GraphQLError(f"`{after}` does not appear to be a valid cursor.")
    shown = nodes[start : start + first]
    return {
        "__typename": f"{kind}Connection",
        "totalCount": len(nodes),
        "nodes": shown,
        "edges": [{"node": node, "cursor": node_id("CUR", start + i)} for i, node in enumerate(shown, 1)],
        "pageInfo": {
            "hasNextPage": start + first < len(nodes),
            "hasPreviousPage": start > 0,
            "startCursor": node_id("CUR", start + 1) if shown else None,
            "endCursor": node_id("CUR", start + len(shown)) if shown else None,
        },
    }


def _thread(call: Call, repo: Repository, first: ReviewComment) -> Json:
    comments = [_comment(call, repo, one) for one in thread(call.repository_of(repo), first)]
    resolver = {"__typename": "User", "login": first.resolved_by} if first.resolved_by is not None else None
    return {
        "__typename": "PullRequestReviewThread",
        "id": thread_id(first),
        "isResolved": first.resolved_by is not None,
        "isOutdated": first.outdated,
        "isCollapsed": first.resolved_by is not None,
        "resolvedBy": resolver,
        "path": first.path,
        "line": None if first.outdated else first.line,
        "originalLine": first.line,
        "startLine": None if first.outdated else first.start_line,
        "diffSide": first.side,
        "subjectType": first.subject_type.upper(),
        "comments": lambda arguments: _connection(comments, arguments, "PullRequestReviewComment"),
    }


def _comment(call: Call, repo: Repository, record: ReviewComment) -> Json:
    account = call.world.user(record.user)
    login = account.login.removesuffix("[bot]")  # GraphQL names bots without the suffix
    return {
        "__typename": "PullRequestReviewComment",
        "id": node_id("PRRC", record.id),
        "databaseId": record.id,
        "fullDatabaseId": str(record.id),
        "body": record.body,
        "path": record.path,
        "diffHunk": record.diff_hunk,
        "outdated": record.outdated,
        "createdAt": stamp(record.created_at),
        "url": review_comment(call.view, repo, record)["html_url"],
        "authorAssociation": call.world.association(repo, record.user),
        "author": {"__typename": account.type, "login": login},
        "replyTo": None if record.in_reply_to is None else {"id": node_id("PRRC", record.in_reply_to)},
    }


def _input(wanted: Field, key: str) -> tuple[Json, str]:
    given = wanted.arguments.get("input")
    if not isinstance(given, dict) or not isinstance(given.get(key), str):
        raise GraphQLError(f"Argument '{key}' on InputObject '{wanted.name}Input' is required.")
    return given, given[key]


def _pull_by_node(call: Call, node: str) -> tuple[Repository, Pull]:
    number = number_of("PR", node)
    for repo in call.world.repositories.values():
        for pull in repo.pulls.values():
            if repo.issues[pull.number].id == number:
                _admit(call, repo, "pull_requests", "write")
                return repo, pull
    raise NotFound(f"Could not resolve to a node with the global id of '{node}'")


def _set_draft(call: Call, wanted: Field, draft: bool) -> Json:
    given, node = _input(wanted, "pullRequestId")
    repo, pull = _pull_by_node(call, node)
    issue = repo.issues[pull.number]
    if issue.state != "open":
        raise GraphQLError("Could not change the draft state of a closed pull request")
    if pull.draft != draft:
        pull.draft, issue.updated_at = draft, now()
        issue.timeline.append(Happening(call.login, "made this a draft" if draft else "marked this ready for review"))
        tell(call.repository_of(repo), issue, "converted_to_draft" if draft else "ready_for_review")
    return {"clientMutationId": given.get("clientMutationId"), "pullRequest": _pull(call, repo, pull)}


def _set_resolved(call: Call, wanted: Field, resolved: bool) -> Json:
    given, node = _input(wanted, "threadId")
    number = number_of("PRRT", node)
    for repo in call.world.repositories.values():
        first = repo.review_comments.get(number) if number is not None else None
        if first is not None:
            _admit(call, repo, "pull_requests", "write")
            resolve(call.repository_of(repo), first, resolved)
            return {"clientMutationId": given.get("clientMutationId"), "thread": _thread(call, repo, first)}
    raise NotFound(f"Could not resolve to a node with the global id of '{node}'")


QUERIES: dict[str, Callable[[Call, Field], Json | None]] = {"repository": _repository, "rateLimit": _rate_limit}
MUTATIONS: dict[str, Callable[[Call, Field], Json]] = {
    "markPullRequestReadyForReview": lambda call, wanted: _set_draft(call, wanted, False),
    "convertPullRequestToDraft": lambda call, wanted: _set_draft(call, wanted, True),
    "resolveReviewThread": lambda call, wanted: _set_resolved(call, wanted, True),
    "unresolveReviewThread": lambda call, wanted: _set_resolved(call, wanted, False),
}
