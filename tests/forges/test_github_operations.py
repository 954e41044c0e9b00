"""Requests of the operations where a twin cannot be brought to answer so: no drafts, odd lists, large files."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from github.Auth import Token

from forges.github.app import GitHubApp
from forges.github.check_runs import Annotation, Button, CheckRuns, Output, check_run
from forges.github.ci import Ci
from forges.github.contents import Contents
from forges.github.issues import Issues
from forges.github.markdown import COMMENT_LIMIT, fit, size
from forges.github.permissions import Permissions, Role
from forges.github.pulls import Pulls
from forges.github.transport import Channel, ForgeError, ForgeUnavailable, Gate, NotPermitted, Patience, Unprocessable

from .line_server import LineServer, Say, private_key

USER = {"id": 1, "login": "octocat", "type": "User"}
TIME = "2026-01-01T00:00:00Z"


def channel(server: LineServer) -> Channel:
    return Channel(server.url, lambda: Token("t" * 20), Gate(0.0), Patience(timeout_s=5, attempts=1))


def talk(lines: list[Say], do: Callable[[Channel], Any]) -> tuple[Any, LineServer]:
    with LineServer(lines) as server:
        try:
            return do(channel(server)), server
        except ForgeError as error:
            return error, server


def pull(head: str = "work", base: str = "main", head_repository: int | None = 1, number: int = 3) -> dict[str, Any]:
    return {
        "number": number,
        "node_id": "PR_1",
        "title": "t",
        "body": None,
        "state": "open",
        "user": USER,
        "head": {"ref": head, "sha": "a" * 40, "repo": head_repository and {"id": head_repository}},
        "base": {"ref": base, "sha": "b" * 40, "repo": {"id": 1}},
        "html_url": "https://github.com/o/r/pull/3",
    }


def test_a_plan_without_drafts_gets_an_ordinary_pull_request() -> None:
    refusal = Say(422, {"message": "Draft pull requests are not supported in this repository."})
    result, server = talk(
        [refusal, Say(201, pull())],
        lambda c: Pulls(c, "o/r").create(head="work", base="main", title="t" * 300, body="b"),
    )
    assert result.number == 3
    assert [heard.body["draft"] for heard in server.heard] == [True, False]
    assert len(server.heard[0].body["title"]) == 256


def test_any_other_refusal_is_not_tried_again() -> None:
    refusal = Say(422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]})
    result, server = talk([refusal], lambda c: Pulls(c, "o/r").create(head="work", base="main", title="t", body="b"))
    assert isinstance(result, Unprocessable)
    assert len(server.heard) == 1


def test_a_list_that_ignores_our_filter_is_filtered_again() -> None:
    listed = [
        pull("other", number=9),
        pull("work", head_repository=2, number=8),
        pull("work", head_repository=None, number=7),
    ]
    result, _ = talk([Say(200, listed)], lambda c: Pulls(c, "o/r").find("work"))
    assert result is None
    result, server = talk(
        [Say(200, [*listed, pull("work", number=6)])], lambda c: Pulls(c, "o/r").find("work", base="main")
    )
    assert result.number == 6
    assert "head=o%3Awork" in server.heard[0].path
    result, _ = talk([Say(200, [pull("work", base="dev")])], lambda c: Pulls(c, "o/r").find("work", base="main"))
    assert result is None


def test_the_pull_request_of_a_fork_that_is_gone() -> None:
    result, _ = talk([Say(200, pull(head_repository=None))], lambda c: Pulls(c, "o/r").get(3))
    assert result.head_repository_id is None
    assert result.from_fork


def check(run_id: int = 5, **parts: Any) -> dict[str, Any]:
    return {
        "id": run_id,
        "name": "Forgehand",
        "head_sha": "a" * 40,
        "status": "in_progress",
        "conclusion": None,
        "external_id": "task-1",
        "app": {"id": 7, "slug": "forgehand"},
        "output": {"annotations_count": 0},
        **parts,
    }


def remarks(count: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation("a.py", line, line, "warning", "m", "t" if line % 2 else "") for line in range(1, count + 1)
    )


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
def test_fifty_annotations_a_request(count: int, sizes: list[int]) -> None:
    output = Output("title", "s" * 70_000, "t", remarks(count))
    _, server = talk(
        [Say(201, check())] * 3,
        lambda c: CheckRuns(c, "o/r").create(name="F", head_sha="a" * 40, external_id="task-1", output=output),
    )
    assert [len(heard.body["output"].get("annotations", [])) for heard in server.heard] == sizes
    assert server.methods == ["POST"] + ["PATCH"] * (len(sizes) - 1)
    assert len(server.heard[0].body["output"]["summary"]) <= 65_535


def test_our_check_run_is_found_by_key_app_and_name() -> None:
    others = [
        check(1, external_id="task-2"),
        check(2, app={"id": 8, "slug": "x"}),
        check(3, name="Other"),
        check(4),
        check(6),
        check(5),
    ]
    result, server = talk(
        [Say(200, {"total_count": 6, "check_runs": others})],
        lambda c: CheckRuns(c, "o/r").find(name="Forgehand", head_sha="abc", external_id="task-1", app_id=7),
    )
    assert result.id == 6
    assert "filter=all" in server.heard[0].path


@pytest.mark.parametrize("parts", [("", "d", "i"), ("l" * 21, "d", "i"), ("l", "d" * 41, "i"), ("l", "d", "i" * 21)])
def test_buttons_have_githubs_lengths(parts: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="a button's"):
        Button(*parts)


def test_three_buttons_at_most() -> None:
    with LineServer([]) as server, pytest.raises(ValueError, match="at most 3"):
        CheckRuns(channel(server), "o/r").update(5, conclusion="success", buttons=[Button("a", "b", "c")] * 4)
    assert server.heard == []


def test_a_conclusion_completes() -> None:
    _, server = talk(
        [Say(200, check())],
        lambda c: CheckRuns(c, "o/r").update(5, status="queued", conclusion="success", buttons=[Button("a", "b", "c")]),
    )
    assert server.heard[0].body == {
        "status": "completed",
        "conclusion": "success",
        "actions": [{"label": "a", "description": "b", "identifier": "c"}],
    }


def test_a_comment_is_cut_to_the_limit() -> None:
    comment = {"id": 1, "body": "x", "user": None, "created_at": TIME, "updated_at": TIME, "html_url": ""}
    result, server = talk([Say(201, comment)], lambda c: Issues(c, "o/r").create_comment(1, "x" * 100_000))
    assert len(server.heard[0].body["body"]) <= COMMENT_LIMIT
    assert result.author.login == "ghost"


def test_comments_since_a_time_in_any_zone() -> None:
    since = datetime(2026, 1, 1, 2, 0, 5, 999, tzinfo=timezone(timedelta(hours=2)))
    _, server = talk([Say(200, [])], lambda c: list(Issues(c, "o/r").comments(1, since=since)))
    assert server.heard[0].path == "/repos/o/r/issues/1/comments?per_page=100&since=2026-01-01T00%3A00%3A05Z"


def test_a_person_github_does_not_know_has_no_role_and_other_trouble_raises() -> None:
    result, _ = talk([Say(404, {"message": "Not Found"})], lambda c: Permissions(c, "o/r").role("nobody"))
    assert result == Role("none", "none")
    result, _ = talk([Say(403, {"message": "Forbidden"})], lambda c: Permissions(c, "o/r").can_write("octocat"))
    assert isinstance(result, NotPermitted)
    result, _ = talk([Say(500)], lambda c: Permissions(c, "o/r").can_write("octocat"))
    assert isinstance(result, ForgeUnavailable)


@pytest.mark.parametrize(
    ("body", "writes"),
    [
        ({"permission": "admin", "role_name": "admin"}, True),
        ({"permission": "write", "role_name": "maintain"}, True),
        ({"permission": "write", "role_name": "Custom"}, True),
        ({"permission": "read", "role_name": "triage"}, False),
        ({"permission": "none"}, False),
        ({"permission": "owner-of-everything"}, False),
        ({}, False),
    ],
)
def test_who_can_write(body: dict[str, str], writes: bool) -> None:
    result, server = talk([Say(200, body)], lambda c: Permissions(c, "o/r").can_write("a/../b"))
    assert result is writes
    assert server.heard[0].path == "/repos/o/r/collaborators/a%2F..%2Fb/permission"


def test_a_large_file_comes_as_a_blob() -> None:
    entry = {"type": "file", "encoding": "none", "content": "", "sha": "abc"}
    blob = {"encoding": "base64", "content": base64.b64encode(b"large").decode()}
    result, server = talk([Say(200, entry), Say(200, blob)], lambda c: Contents(c, "o/r").file("a b/ü.txt", "main"))
    assert result == b"large"
    assert [heard.path for heard in server.heard] == [
        "/repos/o/r/contents/a%20b/%C3%BC.txt?ref=main",
        "/repos/o/r/git/blobs/abc",
    ]


@pytest.mark.parametrize("entry", [[{"type": "file"}], {"type": "submodule"}, {"type": "symlink"}])
def test_what_is_no_file_has_no_content(entry: Any) -> None:
    result, _ = talk([Say(200, entry)], lambda c: Contents(c, "o/r").file("x", "main"))
    assert result is None


RULES = [
    {"type": "deletion"},
    {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "rule"}]}},
]
BRANCH = {
    "protection": {"enabled": True, "required_status_checks": {"contexts": ["old"], "checks": [{"context": "new"}]}}
}
DENIED = Say(403, {"message": "Resource not accessible by integration"})
ABSENT = Say(404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("branch", "rules", "required"),
    [
        (Say(200, BRANCH), Say(200, RULES), {"old", "new", "rule"}),
        (Say(200, {}), Say(200, []), set()),
        (Say(200, BRANCH), DENIED, {"old", "new"}),
        (ABSENT, Say(200, RULES), {"rule"}),
        (DENIED, ABSENT, None),
    ],
)
def test_required_contexts(branch: Say, rules: Say, required: set[str] | None) -> None:
    result, server = talk([branch, rules], lambda c: Ci(c, "o/r").required_contexts("release/1"))
    assert result == required
    assert server.heard[1].path == "/repos/o/r/rules/branches/release%2F1"


def test_workflows_that_wait_for_a_person() -> None:
    runs = [
        {"name": "CI", "status": "completed", "conclusion": "action_required"},
        {"name": "Deploy", "status": "waiting", "conclusion": None},
        {"name": "Lint", "status": "completed", "conclusion": "success"},
    ]
    lines = [Say(200, {"check_runs": []}), Say(200, {"statuses": []}), Say(200, {}), Say(200, [])]
    seen, server = talk(
        [*lines, Say(200, {"workflow_runs": runs})], lambda c: Ci(c, "o/r").snapshot("abc", target="main")
    )
    assert seen.waiting_workflows == ("CI", "Deploy")
    assert "filter=latest" in server.heard[0].path
    assert "head_sha=abc" in server.heard[4].path
    seen, _ = talk([*lines, DENIED], lambda c: Ci(c, "o/r").snapshot("abc", target="main"))
    assert seen.waiting_workflows == ()


def test_a_pull_request_template_is_found_in_githubs_order() -> None:
    named = {"type": "file", "name": "Pull_Request_Template.MD", "path": "docs/Pull_Request_Template.MD"}
    folder = {"type": "dir", "name": "PULL_REQUEST_TEMPLATE", "path": ".github/PULL_REQUEST_TEMPLATE"}
    content = Say(200, {"type": "file", "encoding": "base64", "content": base64.b64encode(b"## What").decode()})
    result, server = talk(
        [Say(200, [folder]), ABSENT, Say(200, [named]), content],
        lambda c: Contents(c, "o/r").pull_request_template("main"),
    )
    assert result == "## What"
    assert [heard.path.split("?")[0] for heard in server.heard] == [
        "/repos/o/r/contents/.github",
        "/repos/o/r/contents",
        "/repos/o/r/contents/docs",
        "/repos/o/r/contents/docs/Pull_Request_Template.MD",
    ]
    result, _ = talk([ABSENT, ABSENT, ABSENT], lambda c: Contents(c, "o/r").pull_request_template("main"))
    assert result is None


def test_an_endless_log_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forges.github.ci.LOG_READ_LIMIT", 100_000)
    monkeypatch.setattr("forges.github.ci.LOG_KEPT_BYTES", 1_000)
    run = check_run(check(app={"id": 1, "slug": "github-actions"}))
    with LineServer([Say(200, "x" * 10_000_000)]) as storage:
        redirect = Say(302, None, {"Location": storage.url})
        result, _ = talk([redirect], lambda c: Ci(c, "o/r").log_tail(run))
    assert len(result) < 1_100
    assert result.endswith("reading stopped here]")


def test_a_log_that_breaks_off_is_told_without_its_link() -> None:
    run = check_run(check(app={"id": 1, "slug": "github-actions"}))
    with LineServer([Say(cut=True)]) as storage:
        redirect = Say(302, None, {"Location": f"{storage.url}/log?signature=secret"})
        result, _ = talk([redirect], lambda c: Ci(c, "o/r").log_tail(run))
    assert isinstance(result, ForgeUnavailable)
    assert "signature" not in str(result)


def test_a_check_run_that_is_no_object() -> None:
    with pytest.raises(ForgeError, match="expected an object"):
        check_run(["x"])


def test_a_title_alone_can_change() -> None:
    _, server = talk([Say(200, pull())], lambda c: Pulls(c, "o/r").update(3, title="New"))
    assert server.heard[0].body == {"title": "New"}


def test_progress_without_output() -> None:
    _, server = talk([Say(200, check())], lambda c: CheckRuns(c, "o/r").update(5, status="in_progress"))
    assert server.heard[0].body == {"status": "in_progress"}


def test_requirements_that_cannot_be_asked_for_now_are_not_taken_for_none() -> None:
    result, _ = talk([Say(502)], lambda c: Ci(c, "o/r").required_contexts("main"))
    assert isinstance(result, ForgeUnavailable)


def test_a_log_is_fetched_without_our_token_and_only_its_end_kept() -> None:
    run = check_run(check(app={"id": 1, "slug": "github-actions"}))
    with LineServer([Say(200, "\n".join(str(n) for n in range(1000)))]) as storage:
        redirect = Say(302, None, {"Location": f"{storage.url}/log?signature=secret"})
        result, server = talk([redirect], lambda c: Ci(c, "o/r").log_tail(run, lines=3))
    assert result == "997\n998\n999"
    assert server.heard[0].path == "/repos/o/r/actions/jobs/5/logs"
    assert storage.heard[0].authorization == ""
    with LineServer([Say(403, "expired")]) as storage:
        redirect = Say(302, None, {"Location": f"{storage.url}/log?signature=secret"})
        result, _ = talk([redirect], lambda c: Ci(c, "o/r").log_tail(run))
    assert isinstance(result, ForgeUnavailable)
    assert "signature" not in str(result)
    assert talk([ABSENT], lambda c: Ci(c, "o/r").log_tail(run))[0] is None
    assert talk([], lambda c: Ci(c, "o/r").log_tail(check_run(check())))[0] is None


def test_a_process_that_serves_many_repositories_keeps_few_connections() -> None:
    minted = Say(201, {"token": "ghs_" + "x" * 36, "expires_at": "2999-01-01T00:00:00Z"})
    with LineServer([minted] * 3) as server:
        installation = GitHubApp(server.url, 7, private_key()).installation(1)
        first = installation.repository("o/first")
        assert first.git_token() == installation.repository("o/first").git_token()
        assert len(server.heard) == 1
        for number in range(64):
            installation.repository(f"o/r{number}")
        # Forgotten by the App, still good in the hands that hold it.
        first.git_token()
        assert len(server.heard) == 1
        installation.repository("o/first").git_token()
    assert [heard.body["repositories"] for heard in server.heard] == [["first"], ["first"]]


def test_a_cut_inside_a_long_fence_and_among_astral_characters_stays_within_the_limit() -> None:
    assert size(fit("`" * 20 + "\n" + "x\n" * 500, 300)) <= 300
    assert size(fit("\U0001f600" * 500, 300)) <= 300
