"""The client against the twin on a bad day: lost answers, limits, refused and expired tokens, no permission."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.github import Twin
from forges.github import (
    ForgeUnavailable,
    GitHubApp,
    Marker,
    NotPermitted,
    Patience,
    RateLimited,
)
from forges.github.check_runs import Output
from forges.github.probe import probe

from .stage import Place


@pytest.fixture(autouse=True)
def _no_faults_left(place: Place) -> Iterator[None]:
    yield
    place.controls.clear_faults()


def test_a_lost_response_is_told_and_the_comment_found(place: Place) -> None:
    number = place.issue()
    marker = Marker("status", {"task": "lost"})
    for kind in ("lost_response", "cut_body"):
        place.controls.fault(kind, "POST", f"/issues/{number}/comments")
        with pytest.raises(ForgeUnavailable) as caught:
            place.repository.issues.create_comment(number, f"{marker} {kind}")
        assert caught.value.maybe_written
    ours = [each for each in place.repository.issues.comments(number) if str(marker) in each.body]
    assert [each.body.split()[-1] for each in ours] == ["lost_response", "cut_body"]


def test_a_lost_pull_request_is_found_by_its_branch(place: Place) -> None:
    head, _ = place.push_branch()
    place.controls.fault("lost_response", "POST", "/pulls$")
    with pytest.raises(ForgeUnavailable) as caught:
        place.repository.pulls.create(head=head, base="main", title="Notes", body="")
    assert caught.value.maybe_written
    assert place.repository.pulls.find(head) is not None


def test_a_bad_gateway_is_not_answered_by_a_second_write(place: Place) -> None:
    number = place.issue()
    place.controls.fault("bad_gateway", "POST", f"/issues/{number}/comments")
    with pytest.raises(ForgeUnavailable):
        place.repository.issues.create_comment(number, "x")
    posts = [each for each in place.controls.journal() if each["path"].endswith(f"/issues/{number}/comments")]
    assert len([each for each in posts if each["method"] == "POST"]) == 1


def test_reads_survive_a_bad_gateway_and_a_cut(place: Place) -> None:
    number = place.issue()
    for kind in ("bad_gateway", "lost_response", "cut_body"):
        place.controls.fault(kind, "GET", f"/issues/{number}$", 2)
        assert place.repository.issues.get(number).number == number


def test_limits_are_waited_out_or_told(place: Place) -> None:
    number = place.issue()
    for kind in ("secondary_limit", "primary_limit"):
        place.controls.fault(kind, "POST", f"/issues/{number}/comments", retry_after_s=1)
        place.repository.issues.create_comment(number, kind)
    assert [each.body for each in place.repository.issues.comments(number)] == ["secondary_limit", "primary_limit"]
    app = GitHubApp(place.stage.url, place.stage.app_id, place.stage.private_key, patience=Patience(wait_s=5))
    repository = app.installation(place.stage.installation_id).repository(place.stage.repository)
    place.controls.fault("secondary_limit", "GET", f"/issues/{number}$", retry_after_s=600)
    with pytest.raises(RateLimited) as caught:
        repository.issues.get(number)
    assert 590 < caught.value.until - datetime.now(UTC).timestamp() < 610
    with pytest.raises(RateLimited):
        repository.info()
    # Another App object, another gate: the limit of one installation's process does not stop the rest.
    assert place.repository.issues.get(number).number == number


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_refused_in_the_middle_is_renewed_once(place: Place, method: str) -> None:
    number = place.issue()
    old = place.repository.git_token()
    place.controls.fault("unauthorized", method, f"/issues/{number}/comments")
    if method == "POST":
        place.repository.issues.create_comment(number, "x")
    assert len(list(place.repository.issues.comments(number))) == (1 if method == "POST" else 0)
    assert place.repository.git_token() != old


def test_tokens_that_really_expire_are_renewed(tmp_path: Path) -> None:
    """Tokens here live for a second, so every use is past the five minutes' margin, and some are refused outright."""
    with Twin(tmp_path / "repositories", token_life=timedelta(seconds=1)) as twin:
        stage = twin.furnish()
        app = GitHubApp(stage.url, stage.app_id, stage.private_key, write_spacing_s=0.0)
        repository = app.installation(stage.installation_id).repository(stage.repository)
        tokens = {repository.git_token() for _ in range(3)}
        assert len(tokens) == 3
        assert repository.issues.get(stage.issue).number == stage.issue


def test_permissions_the_owner_has_not_approved(tmp_path: Path) -> None:
    """Work goes on with what there is; what is missing is refused when it is used."""
    permissions = {"metadata": "read", "contents": "read", "issues": "write"}
    with Twin(tmp_path / "repositories") as twin:
        stage = twin.furnish(permissions=permissions)
        app = GitHubApp(stage.url, stage.app_id, stage.private_key, write_spacing_s=0.0)
        repository = app.installation(stage.installation_id).repository(stage.repository)
        assert repository.issues.create_comment(stage.issue, "hello").body == "hello"
        sha = "0" * 40
        with pytest.raises(NotPermitted):
            repository.check_runs.create(name="Forgehand", head_sha=sha, external_id="t", output=Output("t", "s"))
        subjects = {(each.severity, each.subject) for each in probe(app, hook_url=None)}
        assert ("error", "permissions") in subjects
        assert ("warning", "installation brightwork") in subjects
