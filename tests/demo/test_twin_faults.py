"""Faults on request: what strikes, what was done behind it, and what the journal says."""

import time
from typing import Any

import github
import httpx
import pytest

from demo.github import Stage, Twin
from demo.github.faults import KINDS, Fault, Faults
from tests.demo.conftest import Clone


@pytest.fixture
def comments(stage: Stage) -> str:
    return f"/repos/{stage.repository}/issues/1/comments"


def post(stage: Stage, path: str, body: str = "x") -> httpx.Response:
    headers = {"authorization": f"Bearer {stage.tokens['maria']}"}
    return httpx.post(f"{stage.url}{path}", json={"body": body}, headers=headers, trust_env=False, timeout=10)


def count(stage: Stage, path: str) -> int:
    return len(httpx.get(f"{stage.url}{path}", trust_env=False).json())


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [
        ("bad_gateway", 502, None),
        ("unprocessable", 422, None),
        ("unauthorized", 401, None),
        ("secondary_limit", 403, ("retry-after", "7")),
        ("primary_limit", 429, ("x-ratelimit-remaining", "0")),
    ],
)
def test_faults_before_the_write(
    stage: Stage, twin: Twin, comments: str, kind: str, status: int, header: tuple[str, str] | None
) -> None:
    twin.controls().fault(kind, "POST", "/comments$", retry_after_s=7)
    answer = post(stage, comments)
    assert answer.status_code == status
    if header is not None:
        assert answer.headers[header[0]] == header[1]
    if kind == "primary_limit":
        assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() < 10
    if kind == "secondary_limit":
        assert "secondary rate limit" in answer.json()["message"]
    assert count(stage, comments) == 0
    assert twin.controls().writes() == []
    assert post(stage, comments).status_code == 201  # once was asked for
    assert [fault["struck"] for fault in twin.controls().faults()] == [1]


def test_a_lost_response_comes_after_the_write(stage: Stage, twin: Twin, comments: str) -> None:
    twin.controls().fault("lost_response", "POST", "/comments$")
    with pytest.raises(httpx.TransportError):
        post(stage, comments)
    assert count(stage, comments) == 1
    (write,) = twin.controls().writes()
    assert (write["path"], write["status"], write["handled"], write["fault"]) == (comments, 0, True, "lost_response")


def test_an_answer_cut_in_the_middle(stage: Stage, twin: Twin, comments: str) -> None:
    twin.controls().fault("cut_body", "POST", "/comments$")
    with pytest.raises(httpx.TransportError):
        post(stage, comments)
    assert count(stage, comments) == 1


def test_a_slow_answer(stage: Stage, twin: Twin, comments: str) -> None:
    twin.controls().fault("slow", "GET", "/comments$", delay_s=0.3)
    started = time.monotonic()
    assert count(stage, comments) == 0
    assert time.monotonic() - started >= 0.3


def test_some_pass_first_and_faults_can_be_cleared(stage: Stage, twin: Twin, comments: str) -> None:
    twin.controls().fault("bad_gateway", "POST", "/comments$", count=2, skip=1)
    assert [post(stage, comments).status_code for _ in range(4)] == [201, 502, 502, 201]
    twin.controls().fault("bad_gateway")
    twin.controls().clear_faults()
    assert post(stage, comments).status_code == 201


def test_pygithub_sees_rate_limits_as_such(twin: Twin, repo: Any) -> None:
    twin.controls().fault("secondary_limit", "POST")
    with pytest.raises(github.RateLimitExceededException):
        repo.get_issue(1).create_comment("x")
    twin.controls().fault("unauthorized", "POST")
    with pytest.raises(github.BadCredentialsException):
        repo.get_issue(1).create_comment("x")


@pytest.mark.parametrize("kind", ["lost_response", "cut_body"])
def test_a_push_whose_answer_is_lost_has_happened(clone: Clone, repo: Any, twin: Twin, kind: str) -> None:
    clone.write("x", "x")
    sha = clone.commit()
    twin.ci.enabled = False
    twin.controls().fault(kind, "POST", "git-receive-pack$")
    assert clone.git("push", "origin", "HEAD:refs/heads/x", check=False).returncode != 0
    assert repo.get_branch("x").commit.sha == sha
    first, *_ = [one for one in twin.controls().writes() if "receive-pack" in one["path"]]
    assert first["fault"] == kind  # curl may send the same push once more on a fresh connection: it moves nothing


def test_a_push_against_a_bad_gateway_has_not(clone: Clone, repo: Any, twin: Twin) -> None:
    clone.write("x", "x")
    clone.commit()
    twin.controls().fault("bad_gateway", "*", "git-receive-pack|info/refs")
    assert clone.git("push", "origin", "HEAD:refs/heads/x", check=False).returncode != 0
    assert [one.name for one in repo.get_branches()] == ["main"]


def test_switches_need_the_admin_token(stage: Stage) -> None:
    for method, what in (("POST", "faults"), ("GET", "journal"), ("POST", "press")):
        answer = httpx.request(method, f"{stage.url}/_twin/{what}", trust_env=False)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("what", "body"),
    [("faults", {"kind": "nothing"}), ("faults", {"kind": "slow", "path": "("}), ("faults", {"x": 1}), ("hook", {})],
)
def test_wrong_switches_are_refused(twin: Twin, stage: Stage, what: str, body: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {twin.admin_token}"}
    answer = httpx.post(f"{stage.url}/_twin/{what}", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_match_strikes(kind: Any) -> None:
    faults = Faults()
    faults.add(Fault(kind, "POST", "/a$", count=1))
    faults.add(Fault("slow", "*", "/a$", count=1))
    assert faults.take("GET", "/b") is None
    struck = [faults.take("POST", "/a") for _ in range(3)]
    assert [None if one is None else one.kind for one in struck] == [kind, "slow", None]
