"""The client against the GitHub twin, over HTTP: every operation, the faults of both directions, tokens that expire."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from forges.github import (
    BadCredentials,
    GitHubApp,
    Marker,
    NotFound,
    NotPermitted,
    Unprocessable,
    decode,
    parse,
)
from forges.github.app_manifest import NEEDED_EVENTS
from forges.github.check_runs import Annotation, Button, Output
from forges.github.checks import OwnCheck, judge
from forges.github.ci import Snapshot
from forges.github.deliveries import undelivered
from forges.github.events import (
    CheckActionPressed,
    ChecksChanged,
    Ignored,
    ReviewCommented,
    ReviewSubmitted,
    Signal,
    Steering,
    StopRequested,
    TaskRequested,
    Unassigned,
)
from forges.github.probe import probe

from .line_server import private_key
from .stage import Place, until

# Who we are


def test_identity_and_installations(place: Place) -> None:
    identity = place.app.identity()
    assert (identity.id, identity.slug) == (place.stage.app_id, place.stage.app_slug)
    installations = place.app.installations()
    assert [info.id for info in installations] == [place.stage.installation_id]
    assert place.app.installation_of(place.stage.repository) == installations[0]
    assert installations[0].suspended is False
    repositories = place.app.installation(place.stage.installation_id).repositories()
    assert [each.full_name for each in repositories] == [place.stage.repository]
    assert repositories[0] == place.repository.info()


def test_a_wrong_key_and_an_unknown_repository(place: Place) -> None:
    stranger = GitHubApp(place.stage.url, place.stage.app_id, private_key())
    with pytest.raises(BadCredentials):
        stranger.identity()
    with pytest.raises(NotFound):
        place.app.installation_of("brightwork/nothing")
    with pytest.raises((NotFound, Unprocessable)):
        place.app.installation(place.stage.installation_id).repository("brightwork/nothing").info()
    with pytest.raises(NotFound):
        place.app.installation(999_999).repository(place.stage.repository).info()


def test_the_token_is_narrowed_to_the_repository_and_never_seen(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = GitHubApp(place.stage.url, place.stage.app_id, place.stage.private_key, write_spacing_s=0.0)
    repository = app.installation(place.stage.installation_id).repository(place.stage.repository)
    token = repository.git_token()
    repository.info()
    assert token.startswith("ghs_")
    assert repository.git_token() == token
    assert token not in f"{caplog.text} {app!r} {repository!r} {vars(repository)!r}"
    with pytest.raises(NotPermitted):
        # Administration was never asked for.
        repository.ci._channel.get(f"/repos/{place.stage.repository}/branches/main/protection")


def test_roles(place: Place) -> None:
    permissions = place.repository.permissions
    assert permissions.role("maria").can_write
    assert permissions.can_write("ravi")
    assert not permissions.can_write(place.stage.trigger_login)
    assert not permissions.can_write("otis")
    assert not permissions.can_write("nobody-of-that-name")
    assert permissions.assignable(place.stage.trigger_login)
    assert not permissions.assignable("otis")


def test_doctor_finds_the_app_in_order(place: Place) -> None:
    findings = probe(place.app, hook_url=place.receiver.url, assignees=[place.stage.trigger_login, "otis"])
    by_subject = {finding.subject: finding for finding in findings}
    assert by_subject["installation brightwork"].severity == "ok"
    assert by_subject["webhook"].severity == "ok"
    assert by_subject[f"assignee {place.stage.trigger_login}"].severity == "ok"
    assert by_subject["assignee otis"].severity == "warning"
    missing = NEEDED_EVENTS - place.app.identity().events
    assert ("events" in by_subject) is bool(missing)
    other = probe(place.app, hook_url="https://elsewhere.example/hook")
    assert ("error", "webhook") in {(finding.severity, finding.subject) for finding in other}


# Issues


def test_an_issue(place: Place) -> None:
    number = place.issue("Body of it.")
    place.maria.label(place.stage.repository, number, "bug")
    place.maria.assign(place.stage.repository, number, place.stage.trigger_login)
    issue = place.repository.issues.get(number)
    assert (issue.title, issue.body, issue.state, issue.author.login) == ("Broken", "Body of it.", "open", "maria")
    assert (issue.labels, issue.assignees) == (("bug",), (place.stage.trigger_login,))
    assert not issue.is_pull_request
    with pytest.raises(NotFound):
        place.repository.issues.get(99_999)


def test_comments_are_found_again_by_marker_and_author_beyond_the_first_page(place: Place) -> None:
    issues = place.repository.issues
    number = place.issue()
    marker = Marker("status", {"task": "42"})
    place.maria.comment(place.stage.repository, number, f"I am the bot. {marker}")
    for count in range(101):
        place.maria.comment(place.stage.repository, number, f"comment {count}")
    assert issues.find_comment(number, marker, place.bot_id) is None
    ours = issues.create_comment(number, f"{marker}\nWorking.")
    assert issues.find_comment(number, marker, place.bot_id) == ours
    changed = issues.update_comment(ours.id, f"{marker}\nDone.")
    assert changed.body.endswith("Done.")
    assert len(list(issues.comments(number))) == 103


def test_reactions_are_idempotent(place: Place) -> None:
    number = place.issue()
    comment = place.maria.comment(place.stage.repository, number, "look")["id"]
    for _ in range(2):
        place.repository.issues.react(number, "eyes")
        place.repository.issues.react(number, "+1", comment_id=comment)
    reactions = place.maria.ask("GET", f"/repos/{place.stage.repository}/issues/comments/{comment}/reactions")
    assert [each["content"] for each in reactions] == ["+1"]
    assert len(place.maria.ask("GET", f"/repos/{place.stage.repository}/issues/{number}/reactions")) == 1


# Pull requests and reviews


def test_a_pull_request_from_draft_to_ready(place: Place) -> None:
    head, sha = place.push_branch()
    pulls = place.repository.pulls
    assert pulls.find(head) is None
    pull = pulls.create(head=head, base="main", title="Notes", body="Some notes.")
    assert (pull.draft, pull.head_ref, pull.head_sha, pull.base_ref) == (True, head, sha, "main")
    assert not pull.from_fork
    found = pulls.find(head, base="main")
    assert found is not None
    assert found.number == pull.number
    assert pulls.find(head, base="other") is None
    with pytest.raises(Unprocessable, match="already exists"):
        pulls.create(head=head, base="main", title="Again", body="")
    assert pulls.update(pull.number, body="More notes.").body == "More notes."
    pulls.mark_ready(pull)
    ready = pulls.get(pull.number)
    assert not ready.draft
    pulls.mark_ready(ready)
    with pytest.raises(Unprocessable):
        pulls.create(head="no-such-branch", base="main", title="x", body="")


def test_a_review_is_read_and_answered(place: Place) -> None:
    pull = place.pull()
    ravi = place.twin.person("ravi")
    inline = [
        {"path": "NOTES.md", "line": 1, "body": "Why this?"},
        {"path": "NOTES.md", "line": 3, "body": "And this?"},
    ]
    made = ravi.review(place.stage.repository, pull.number, body="Two questions.", comments=inline)
    reviews = place.repository.reviews
    review = reviews.get(pull.number, made["id"])
    assert (review.state, review.body, review.author.login) == ("changes_requested", "Two questions.", "ravi")
    comments = list(reviews.comments(pull.number, review_id=made["id"]))
    assert [(each.line, each.body) for each in comments] == [(1, "Why this?"), (3, "And this?")]
    marker = Marker("reply", {"comment": str(comments[0].id)})
    assert reviews.find_reply(pull.number, marker, place.bot_id) is None
    answer = reviews.reply(pull.number, comments[0], f"{marker}\nBecause.")
    assert answer.thread_id == comments[0].id
    assert reviews.find_reply(pull.number, marker, place.bot_id) == answer
    again = reviews.reply(pull.number, answer, "And more.")
    assert again.thread_id == comments[0].id
    reviews.react(comments[0].id, "+1")
    signal = place.signal(lambda each: isinstance(each, ReviewSubmitted) and each.review_id == made["id"])
    assert isinstance(signal, ReviewSubmitted)
    assert (signal.state, signal.head_ref, signal.author_id) == ("changes_requested", pull.head_ref, place.bot_id)
    for comment in comments:
        signal = place.signal(partial(_is_comment, comment.id))
        assert isinstance(signal, ReviewCommented)
        assert signal.review_id == made["id"]


def _is_comment(comment_id: int, signal: Signal) -> bool:
    return isinstance(signal, ReviewCommented) and signal.comment_id == comment_id


# Checks


def test_our_check_run_with_its_button(place: Place) -> None:
    _, sha = place.push_branch()
    runs = place.repository.check_runs
    annotations = tuple(Annotation("NOTES.md", 1, 1, "notice", f"remark {n}") for n in range(60))
    run = runs.create(
        name="Forgehand", head_sha=sha, external_id="task-9", output=Output("Plan", "Steps.", "", annotations)
    )
    assert (run.status, run.external_id, run.app_id) == ("in_progress", "task-9", place.stage.app_id)
    found = runs.find(name="Forgehand", head_sha=sha, external_id="task-9", app_id=place.stage.app_id)
    assert found is not None
    assert (found.id, found.annotations_count) == (run.id, 60)
    assert runs.find(name="Forgehand", head_sha=sha, external_id="task-8", app_id=place.stage.app_id) is None
    done = runs.update(run.id, conclusion="neutral", buttons=[Button("Retry", "Try once more", "retry")])
    assert (done.status, done.conclusion) == ("completed", "neutral")
    assert len(place.repository.ci.findings(done)) == 60
    assert len(place.repository.ci.findings(done, limit=3)) == 3
    place.controls.press("ravi", place.stage.repository, run.id, "retry")
    signal = place.signal(lambda each: isinstance(each, CheckActionPressed) and each.check_run_id == run.id)
    assert isinstance(signal, CheckActionPressed)
    assert (signal.identifier, signal.external_id, signal.actor.login) == ("retry", "task-9", "ravi")


def test_the_snapshot_of_a_commit(place: Place) -> None:
    _, sha = place.push_branch()
    place.repository.check_runs.create(name="Forgehand", head_sha=sha, external_id="t", output=Output("t", "s"))
    for context, state in [("ci/new", "pending"), ("ci/new", "success"), ("ci/other", "failure")]:
        path = f"/repos/{place.stage.repository}/statuses/{sha}"
        place.maria.ask("POST", path, {"state": state, "context": context})
    place.controls.protect(place.stage.repository, "guarded", ["ci/new", "ci/absent"])
    seen = place.repository.ci.snapshot(sha, target="main")
    assert seen.head_sha == sha
    assert {(each.context, each.state) for each in seen.statuses} == {("ci/new", "success"), ("ci/other", "failure")}
    assert [run.name for run in seen.runs] == ["Forgehand"]
    assert seen.waiting_workflows == ()
    verdict = judge(
        seen,
        head_sha=sha,
        head_since=datetime.now(UTC) - timedelta(hours=1),
        own=OwnCheck(place.stage.app_id, "Forgehand"),
        now=datetime.now(UTC) + timedelta(minutes=5),
        settle=timedelta(seconds=30),
    )
    assert (verdict.state, set(verdict.failing)) == ("red", {"ci/other"})
    signal = place.signal(lambda each: isinstance(each, ChecksChanged) and each.head_sha == sha)
    assert isinstance(signal, ChecksChanged)
    assert signal.source == "status"


def test_required_contexts_of_a_protected_branch(place: Place) -> None:
    place.controls.protect(place.stage.repository, "main", ["unit", "lint"])
    try:
        assert place.repository.ci.required_contexts("main") == frozenset({"unit", "lint"})
    finally:
        place.twin.world.repository(*place.stage.repository.split("/")).protections.clear()
    assert place.repository.ci.required_contexts("main") == frozenset()


def test_ci_that_really_runs_is_read_with_its_log(place: Place) -> None:
    """The sample's workflow has two jobs, the second after the first: one that is done does not make a verdict."""
    place.controls.ci(True)
    try:
        sha = place.pull().head_sha
    finally:
        place.controls.ci(False)

    def finished() -> Snapshot | None:
        seen = place.repository.ci.snapshot(sha, target="main")
        names = {run.name for run in seen.runs if run.status == "completed"}
        return seen if names == {"unit", "integration"} else None

    seen: Snapshot = until(finished, 60)
    since = datetime.now(UTC) - timedelta(hours=1)
    judged = partial(judge, seen, head_sha=sha, head_since=since, own=OwnCheck(place.stage.app_id, "Forgehand"))
    assert judged(now=datetime.now(UTC), settle=timedelta(hours=1)).state == "pending"
    verdict = judged(now=datetime.now(UTC), settle=timedelta(0))
    assert verdict.state == ("red" if verdict.failing else "green")
    for run in seen.runs:
        if run.conclusion == "skipped":
            continue
        log = place.repository.ci.log_tail(run, lines=5)
        assert log
        assert len(log.splitlines()) <= 5
        assert len(place.repository.ci.findings(run)) == run.annotations_count


# Files


def test_files_and_templates(place: Place) -> None:
    contents = place.repository.contents
    readme = contents.file("README.md", "main")
    assert readme is not None
    assert readme.startswith(b"#")
    assert contents.file("no/such/file", "main") is None
    with pytest.raises(ValueError, match="larger than 3 bytes"):
        contents.file("README.md", "main", limit=3)
    assert contents.file("src", "main") is None
    template = contents.pull_request_template("main")
    clone = place.folder / "for-template"
    place.git("clone", "-q", place.repository.info().clone_url, str(clone), token=place.repository.git_token())
    spellings = {path.lower() for path in place.git("ls-files", cwd=clone).splitlines()}
    assert (template is not None) is any("pull_request_template.md" in path for path in spellings)


# Deliveries


def test_requests_arrive_as_signals(place: Place) -> None:
    repository, number = place.stage.repository, place.issue()
    place.maria.assign(repository, number, place.stage.trigger_login)
    signal = place.signal(lambda each: isinstance(each, TaskRequested) and each.number == number)
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.actor.login, signal.repository.full_name) == ("assigned", "maria", repository)
    assert signal.installation_id == place.stage.installation_id
    place.maria.comment(repository, number, "Mind the tests.")
    signal = place.signal(lambda each: isinstance(each, Steering) and each.number == number)
    place.maria.comment(repository, number, "/forgehand stop")
    signal = place.signal(lambda each: isinstance(each, StopRequested) and each.number == number)
    place.maria.unassign(repository, number, place.stage.trigger_login)
    signal = place.signal(lambda each: isinstance(each, Unassigned) and each.number == number)
    place.maria.label(repository, number, "forgehand")
    place.signal(lambda each: isinstance(each, TaskRequested) and (each.number, each.trigger) == (number, "label"))


def test_our_own_doing_is_ignored_when_it_comes_back(place: Place) -> None:
    number = place.issue()
    place.repository.issues.create_comment(number, "@forgehand fix this")
    name, _ = place.push_branch()
    place.maria.comment(place.stage.repository, number, "the end")
    place.signal(lambda each: isinstance(each, Steering) and (each.number, each.body) == (number, "the end"))

    def of_push(headers: dict[str, str], body: bytes) -> bool:
        return headers["x-github-event"] == "push" and name.encode() in body

    pushes = until(lambda: [body for headers, body in place.receiver.bodies if of_push(headers, body)])
    assert parse("push", decode(pushes[0], "application/json"), place.rules) == Ignored("our own doing")
    comments = [
        parse("issue_comment", decode(body, headers["content-type"]), place.rules)
        for headers, body in place.receiver.bodies
        if headers["x-github-event"] == "issue_comment" and b"@forgehand fix this" in body
    ]
    assert comments == [Ignored("our own doing")]


def test_failed_deliveries_are_found_and_sent_again(place: Place) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    place.receiver.status = 500
    try:
        number = place.issue()
        place.maria.assign(place.stage.repository, number, place.stage.trigger_login)
        place.signal(lambda each: isinstance(each, TaskRequested) and each.number == number)
    finally:
        place.receiver.status = 202
    deliveries = place.app.deliveries
    wanted = until(
        lambda: [
            each for each in undelivered(deliveries.since(start)) if (each.event, each.action) == ("issues", "assigned")
        ]
    )
    assert [each.status_code for each in wanted] == [500]
    deliveries.redeliver(wanted[0].id)
    until(lambda: not [each for each in undelivered(deliveries.since(start)) if each.guid == wanted[0].guid])
    assert len([each for each in deliveries.since(start) if each.guid == wanted[0].guid]) == 2
    assert deliveries.since(datetime.now(UTC) + timedelta(hours=1)) == []
