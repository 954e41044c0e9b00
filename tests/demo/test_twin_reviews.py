"""Reviews, inline comments, threads, and the GraphQL that they need."""

from typing import Any

import httpx
import pytest

from demo.github import Person, Stage
from demo.openapi.allowances import ALLOWANCES
from tests.demo.conftest import Clone, Receiver

THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id
      isDraft
      reviewThreads(first: 1, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line
          comments(first: 10) { nodes { databaseId body author { login __typename } } }
        }
      }
    }
  }
}
"""


def two_comments(person: Person, stage: Stage, event: str = "REQUEST_CHANGES") -> dict[str, Any]:
    comments = [
        {"path": "docs/notes.md", "line": 1, "body": "Why one?"},
        {"path": "docs/notes.md", "line": 3, "side": "RIGHT", "start_line": 2, "body": "And three?"},
    ]
    return person.review(stage.repository, 2, event, "Two questions", comments)


def ask_threads(person: Person, stage: Stage, after: str | None = None) -> dict[str, Any]:
    owner, _, name = stage.repository.partition("/")
    variables = {"owner": owner, "name": name, "number": 2, "after": after}
    answer: dict[str, Any] = person.ask("POST", "/graphql", {"query": THREADS, "variables": variables})
    return answer


def test_a_review_with_two_comments_is_three_events(pull: Any, ravi: Person, stage: Stage, receiver: Receiver) -> None:
    made = two_comments(ravi, stage)
    assert made["state"] == "CHANGES_REQUESTED"
    (submitted,) = receiver.wait("pull_request_review.submitted")
    assert submitted.payload["review"]["state"] == "changes_requested"
    told = receiver.wait("pull_request_review_comment.created", 2)
    assert {one.payload["comment"]["pull_request_review_id"] for one in told} == {made["id"]}
    assert {one.payload["comment"]["line"] for one in told} == {1, 3}
    (review,) = pull.get_reviews()
    assert (review.state, review.user.login, review.commit_id) == ("CHANGES_REQUESTED", "ravi", pull.head.sha)
    assert [one.body for one in pull.get_single_review_comments(review.id)] == ["Why one?", "And three?"]
    assert pull.get_review(review.id).body == "Two questions"


def test_replies_join_the_thread(pull: Any, ravi: Person, stage: Stage, receiver: Receiver) -> None:
    two_comments(ravi, stage)
    first = next(iter(pull.get_review_comments()))
    assert first.diff_hunk.startswith("@@ -0,0 +1,3 @@")
    reply = pull.create_review_comment_reply(first.id, "Because.")
    assert (reply.in_reply_to_id, reply.path) == (first.id, "docs/notes.md")
    receiver.wait("pull_request_review_comment.created", 3)
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        ravi.reply(stage.repository, 2, reply.id, "no replies to replies")
    reply.create_reaction("+1")
    assert [one.content for one in reply.get_reactions()] == ["+1"]
    reply.edit("Because of that.")
    receiver.wait("pull_request_review_comment.edited")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        ravi.ask("PATCH", f"/repos/{stage.repository}/pulls/comments/{reply.id}", {"body": "mine now"})


def test_a_single_comment(pull: Any, repo: Any, stage: Stage, receiver: Receiver) -> None:
    made = pull.create_review_comment("Look", repo.get_commit(pull.head.sha), "docs/notes.md", line=2)
    assert made.line == 2
    receiver.wait("pull_request_review.submitted")
    assert repo.get_pull(2).review_comments == 1


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ({"path": "README.md", "line": 1, "body": "x"}, "Path could not be resolved"),
        ({"path": "docs/notes.md", "line": 99, "body": "x"}, "Line could not be resolved"),
        ({"path": "docs/notes.md", "line": 1}, "needs path and body"),
    ],
)
def test_comments_must_be_on_the_diff(pull: Any, ravi: Person, stage: Stage, comment: Any, said: str) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        ravi.review(stage.repository, 2, "COMMENT", "", [comment])
    assert refused.value.response.status_code == 422
    assert said in refused.value.response.text


def test_what_reviews_may_say(pull: Any, ravi: Person, stage: Stage) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        ravi.review(stage.repository, 2, "COMMENT", "")
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        ravi.review(stage.repository, 2, "PENDING", "x")
    assert ravi.review(stage.repository, 2, "APPROVE")["state"] == "APPROVED"


def test_nobody_approves_their_own(repo: Any, pull: Any) -> None:
    with pytest.raises(Exception, match="Can not approve your own pull request"):
        pull.create_review(event="APPROVE")


def test_threads_come_in_pages(pull: Any, ravi: Person, stage: Stage) -> None:
    two_comments(ravi, stage)
    first = next(iter(pull.get_review_comments()))
    pull.create_review_comment_reply(first.id, "Because.")
    page = ask_threads(ravi, stage)["data"]["repository"]["pullRequest"]
    assert page["reviewThreads"]["totalCount"] == 2
    (thread,) = page["reviewThreads"]["nodes"]
    assert [(one["body"], one["author"]) for one in thread["comments"]["nodes"]] == [
        ("Why one?", {"login": "ravi", "__typename": "User"}),
        ("Because.", {"login": "forgehand", "__typename": "Bot"}),
    ]
    assert page["reviewThreads"]["pageInfo"]["hasNextPage"] is True
    after = page["reviewThreads"]["pageInfo"]["endCursor"]
    rest = ask_threads(ravi, stage, after)["data"]["repository"]["pullRequest"]["reviewThreads"]
    assert rest["pageInfo"]["hasNextPage"] is False
    assert rest["nodes"][0]["line"] == 3


def test_threads_are_resolved_and_outdated(
    pull: Any, ravi: Person, stage: Stage, receiver: Receiver, clone: Clone, repo: Any
) -> None:
    two_comments(ravi, stage)
    thread = ask_threads(ravi, stage)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]
    ravi.resolve_thread(thread["id"])
    (told,) = receiver.wait("pull_request_review_thread.resolved")
    assert told.payload["thread"]["comments"][0]["body"] == "Why one?"
    assert ask_threads(ravi, stage)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["isResolved"]
    clone.write("docs/notes.md", "zero\nONE\ntwo\nthree\n")
    clone.commit()
    clone.git("push", "-q", "origin", "work")
    receiver.wait("pull_request.synchronize")
    lines = {one.body: (one.line, one.original_line) for one in repo.get_pull(2).get_review_comments()}
    assert lines["And three?"][0] == 4  # it moved along with its line
    assert lines["Why one?"][0] is None  # its line was changed
    assert ask_threads(ravi, stage)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["isOutdated"]


def test_ready_for_review_is_graphql_only(repo: Any, twin: Any, branch: str, receiver: Receiver) -> None:
    twin.ci.enabled = False
    pull = repo.create_pull(title="x", head="work", base="main", draft=True)
    pull.mark_ready_for_review()
    (told,) = receiver.wait("pull_request.ready_for_review")
    assert told.payload["pull_request"]["draft"] is False
    pull.convert_to_draft()
    receiver.wait("pull_request.converted_to_draft")
    assert repo.get_pull(pull.number).draft is True


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ viewer { login } }", "Field 'viewer' doesn't exist"),
        ("mutation { deleteRef(input: {refId: 1}) { clientMutationId } }", "Field 'deleteRef' doesn't exist"),
        ('{ repository(owner: "x", name: "y") { id } }', "Could not resolve to a Repository"),
        ('{ repository(owner: "brightwork", name: "durations") { stargazers } }', "Field 'stargazers' doesn't exist"),
        ("query {", "Expected"),
        ("subscription { x }", "only one query or mutation"),
        ('mutation { resolveReviewThread(input: {threadId: "PRRT_x"}) { thread { id } } }', "Could not resolve"),
    ],
)
def test_whatever_else_fails_loudly(maria: Person, query: str, said: str) -> None:
    answer = maria.ask("POST", "/graphql", {"query": query})
    assert said in answer["errors"][0]["message"]


def test_graphql_asks_for_permission(pull: Any, otis: Person, stage: Stage, client: Any) -> None:
    query = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"
    answer = otis.ask("POST", "/graphql", {"query": query, "variables": {"id": pull.raw_data["node_id"]}})
    assert answer["errors"][0]["type"] == "FORBIDDEN"
    anonymous = httpx.post(f"{stage.url}/graphql", json={"query": query}, trust_env=False)
    assert anonymous.status_code == 401


def test_no_allowance_is_idle(
    pull: Any, ravi: Person, stage: Stage, clone: Clone, repo: Any, integration: Any, receiver: Receiver
) -> None:
    """Each difference that the validator lets pass really occurs: the list does not outlive its reasons."""
    before = [one.used for one in ALLOWANCES]
    list(integration.get_installations())
    two_comments(ravi, stage)
    clone.write("docs/notes.md", "other\n")
    clone.commit()
    clone.git("push", "-q", "origin", "work")
    receiver.wait("pull_request.synchronize")
    assert [one.line for one in repo.get_pull(2).get_review_comments()] == [None, None]
    assert list(repo.get_commit("work").get_statuses()) == []
    assert not repo.get_pull(2).is_merged()
    idle = [one.reason for one, count in zip(ALLOWANCES, before, strict=True) if one.used == count]
    assert idle == []
