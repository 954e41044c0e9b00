"""forges.github.events: every trigger, every guard, every kind of signal."""

from __future__ import annotations

from typing import Any

import pytest

from forges.github.events import (
    Actor,
    BranchPushed,
    CheckActionPressed,
    CheckRerequested,
    ChecksChanged,
    Ignored,
    InstallationChanged,
    RepositoryChanged,
    RetryRequested,
    ReviewCommented,
    ReviewSubmitted,
    Signal,
    Steering,
    StopRequested,
    SubjectClosed,
    SubjectEdited,
    SubjectReopened,
    TaskRequested,
    TriggerRules,
    Unassigned,
    Unlabelled,
    parse,
)

from .payloads import (
    APP,
    BOT,
    SHA,
    check_run,
    comment,
    envelope,
    inline_comment,
    issue,
    pull,
    sender,
)

RULES = TriggerRules(
    app_id=APP,
    app_slug="forgehand",
    bot_user_id=BOT,
    assignees=frozenset({"forgehand-bot"}),
    label="Forgehand",
    allowed_app_ids=frozenset({500}),
    allowed_bot_ids=frozenset({600}),
)
SUBJECT = "github:11:22:5"


def commented(body: str, by: dict[str, Any] | None = None, **parts: Any) -> Signal:
    payload = envelope("created", by, issue=issue(), comment=comment(body, **parts))
    return parse("issue_comment", payload, RULES)


# Requests


def test_assignment_of_a_configured_login() -> None:
    payload = envelope("assigned", issue=issue(milestone={"title": "1.2"}), assignee={"login": "Forgehand-Bot"})
    signal = parse("issues", payload, RULES)
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.subject, signal.is_pull_request) == ("assigned", SUBJECT, False)
    assert signal.actor == Actor(7, "octocat", "User")
    assert (signal.title, signal.body, signal.labels, signal.milestone) == ("Broken", "It breaks.", ("bug",), "1.2")
    assert (signal.installation_id, signal.repository.id, signal.repository.default_branch) == (11, 22, "main")
    assert (signal.state, signal.hop, signal.comment_id) == ("open", 1, None)


def test_assignment_of_somebody_else_beside_the_configured_login() -> None:
    both = issue(assignees=[{"login": "forgehand-bot"}, {"login": "alice"}])
    signal = parse("issues", envelope("assigned", issue=both, assignee={"login": "alice"}), RULES)
    assert signal == Ignored("another assignee")


def test_label_of_any_case() -> None:
    signal = parse("issues", envelope("labeled", issue=issue(None), label={"name": "forgehand"}), RULES)
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.text, signal.body) == ("label", "", "")
    assert parse("issues", envelope("labeled", issue=issue(), label={"name": "bug"}), RULES) == Ignored("another label")


def test_without_a_label_or_assignee_in_the_rules_nothing_asks() -> None:
    bare = TriggerRules(app_id=APP, app_slug="forgehand")
    assert isinstance(parse("issues", envelope("labeled", issue=issue(), label={"name": "x"}), bare), Ignored)
    assert isinstance(parse("issues", envelope("assigned", issue=issue(), assignee={"login": "x"}), bare), Ignored)


def test_a_pull_request_can_be_given_to_us_too() -> None:
    signal = parse("pull_request", envelope("labeled", pull_request=pull(), label={"name": "forgehand"}), RULES)
    assert isinstance(signal, TaskRequested)
    assert (signal.is_pull_request, signal.number) == (True, 5)


def test_mention_in_a_comment() -> None:
    signal = commented("Could @forgehand look?\n@forgehand again base:dev")
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.comment_id, signal.base) == ("mention", 99, None)


def test_a_base_on_the_line_of_the_mention() -> None:
    signal = commented("Could @forgehand mend it base:dev ?")
    assert isinstance(signal, TaskRequested)
    assert signal.base == "dev"


def test_command_with_a_base() -> None:
    signal = commented("/forgehand fix base:release/2")
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.base, signal.problem) == ("command", "release/2", None)


def test_command_with_a_base_that_cannot_be() -> None:
    signal = commented("/forgehand fix base:..")
    assert isinstance(signal, TaskRequested)
    assert signal.base is None
    assert signal.problem is not None


@pytest.mark.parametrize("body", ["@forgehand please", "/forgehand fix", "text\n\n/forgehand fix base:x"])
def test_asked_in_the_text_of_a_new_issue(body: str) -> None:
    signal = parse("issues", envelope("opened", issue=issue(body)), RULES)
    assert isinstance(signal, TaskRequested)
    assert (signal.trigger, signal.text) == ("opened_mention", body)


@pytest.mark.parametrize("body", ["/forgehand stop", "@forgehand stop", "@forgehand fix\n/forgehand stop"])
def test_a_new_issue_that_says_stop_starts_nothing(body: str) -> None:
    assert isinstance(parse("issues", envelope("opened", issue=issue(body)), RULES), Ignored)


def test_a_new_issue_that_asks_nobody() -> None:
    assert isinstance(parse("issues", envelope("opened", issue=issue("`@forgehand`")), RULES), Ignored)


def test_a_comment_on_a_pull_request_is_known_as_such() -> None:
    payload = envelope("created", issue=issue(pull=True), comment=comment("Use a list."))
    signal = parse("issue_comment", payload, RULES)
    assert isinstance(signal, Steering)
    assert (signal.is_pull_request, signal.comment_id, signal.body) == (True, 99, "Use a list.")


def test_stop_and_retry() -> None:
    assert isinstance(commented("/forgehand stop"), StopRequested)
    assert isinstance(commented("@forgehand stop"), StopRequested)
    signal = commented("/forgehand retry base:dev")
    assert isinstance(signal, RetryRequested)
    assert (signal.base, signal.comment_id, signal.subject) == ("dev", 99, SUBJECT)


@pytest.mark.parametrize("action", ["edited", "deleted"])
def test_an_edited_comment_never_asks(action: str) -> None:
    payload = envelope(action, issue=issue(), comment=comment("/forgehand fix"))
    assert isinstance(parse("issue_comment", payload, RULES), Ignored)


# Withdrawn, closed, edited


def test_withdrawals() -> None:
    off = parse("issues", envelope("unassigned", issue=issue(), assignee={"login": "FORGEHAND-bot"}), RULES)
    assert isinstance(off, Unassigned)
    assert off.subject == SUBJECT
    off = parse("issues", envelope("unlabeled", issue=issue(), label={"name": "forgehand"}), RULES)
    assert isinstance(off, Unlabelled)
    assert parse("issues", envelope("unassigned", issue=issue(), assignee={"login": "x"}), RULES) == Ignored(
        "another assignee"
    )
    assert parse("issues", envelope("unlabeled", issue=issue(), label={"name": "x"}), RULES) == Ignored("another label")


@pytest.mark.parametrize("action", ["closed", "deleted", "transferred"])
def test_an_issue_that_ends(action: str) -> None:
    signal = parse("issues", envelope(action, issue=issue()), RULES)
    assert isinstance(signal, SubjectClosed)
    assert (signal.reason, signal.merged) == (action, False)


@pytest.mark.parametrize(("merged", "reason"), [(True, "merged"), (False, "closed")])
def test_a_pull_request_that_ends(merged: bool, reason: str) -> None:
    signal = parse("pull_request", envelope("closed", pull_request=pull(merged=merged)), RULES)
    assert isinstance(signal, SubjectClosed)
    assert (signal.reason, signal.merged) == (reason, merged)


def test_reopened_and_edited() -> None:
    assert isinstance(parse("issues", envelope("reopened", issue=issue()), RULES), SubjectReopened)
    payload = envelope("edited", pull_request=pull("New"), changes={"body": {"from": "Old"}})
    signal = parse("pull_request", payload, RULES)
    assert isinstance(signal, SubjectEdited)
    assert (signal.title, signal.body, signal.base_changed) == ("Broken", "New", False)


@pytest.mark.parametrize("action", ["pinned", "review_requested", ""])
def test_other_actions(action: str) -> None:
    assert isinstance(parse("pull_request", envelope(action, pull_request=pull()), RULES), Ignored)


# Reviews


def test_a_review() -> None:
    review = {"id": 77, "state": "CHANGES_REQUESTED", "body": None, "commit_id": SHA}
    signal = parse("pull_request_review", envelope("submitted", review=review, pull_request=pull()), RULES)
    assert isinstance(signal, ReviewSubmitted)
    assert (signal.review_id, signal.state, signal.body, signal.commit_id) == (77, "changes_requested", "", SHA)
    assert (signal.subject, signal.head_ref, signal.author_id) == (SUBJECT, "forgehand/5", BOT)


def test_a_stop_in_a_review() -> None:
    review = {"id": 77, "state": "commented", "body": "/forgehand stop", "commit_id": SHA}
    signal = parse("pull_request_review", envelope("submitted", review=review, pull_request=pull()), RULES)
    assert isinstance(signal, StopRequested)
    assert signal.comment_id is None


def test_an_inline_comment() -> None:
    payload = envelope("created", comment=inline_comment("Why?", in_reply_to_id=98), pull_request=pull())
    signal = parse("pull_request_review_comment", payload, RULES)
    assert isinstance(signal, ReviewCommented)
    assert (signal.review_id, signal.comment_id, signal.in_reply_to_id) == (77, 99, 98)
    assert (signal.path, signal.line, signal.start_line, signal.side) == ("src/a.py", 3, None, "RIGHT")


@pytest.mark.parametrize(
    ("event", "action"), [("pull_request_review", "dismissed"), ("pull_request_review_comment", "edited")]
)
def test_other_review_actions(event: str, action: str) -> None:
    assert isinstance(parse(event, envelope(action), RULES), Ignored)


# The loop guard

OURS = sender(BOT, "renamed[bot]", "Bot")
STRANGER = sender(601, "forgehand[bot]", "Bot")
ALLOWED = sender(600, "helper[bot]", "Bot")


def requests_by(by: dict[str, Any], body: str = "/forgehand fix") -> list[Signal]:
    review = {"id": 77, "state": "commented", "body": body, "commit_id": SHA}
    return [
        commented(body, by),
        parse("issues", envelope("opened", by, issue=issue(body)), RULES),
        parse("issues", envelope("labeled", by, issue=issue(body), label={"name": "forgehand"}), RULES),
        parse("issues", envelope("assigned", by, issue=issue(body), assignee={"login": "forgehand-bot"}), RULES),
        parse("pull_request_review", envelope("submitted", by, review=review, pull_request=pull()), RULES),
        parse(
            "pull_request_review_comment",
            envelope("created", by, comment=inline_comment(body), pull_request=pull()),
            RULES,
        ),
    ]


def test_our_own_doing_is_known_by_number_not_by_name() -> None:
    assert set(requests_by(OURS)) == {Ignored("our own doing")}
    assert parse("issues", envelope("closed", OURS, issue=issue()), RULES) == Ignored("our own doing")


def test_a_bot_with_our_name_is_still_a_strange_bot() -> None:
    assert set(requests_by(STRANGER)) == {Ignored("done by a bot that is not allowed to ask: user id 601")}


def test_an_allowed_bot_may_ask() -> None:
    assert not any(isinstance(signal, Ignored) for signal in requests_by(ALLOWED))


def test_an_allowed_app_may_ask_and_ours_may_not_even_for_a_person() -> None:
    assert isinstance(commented("@forgehand", STRANGER, performed_via_github_app={"id": 500}), TaskRequested)
    assert isinstance(commented("@forgehand", STRANGER, performed_via_github_app={"id": 501}), Ignored)
    assert commented("@forgehand", performed_via_github_app={"id": APP}) == Ignored("our own doing")


def test_hops_are_counted_and_end() -> None:
    signal = commented("@forgehand go <!-- forgehand:ask hop=2 -->", ALLOWED)
    assert isinstance(signal, TaskRequested)
    assert signal.hop == 3
    signals = requests_by(ALLOWED, "/forgehand fix\n<!-- forgehand:ask hop=3 -->")
    assert set(signals) == {Ignored("passed through 3 bots already, the limit is 3")}


def test_a_person_who_assigns_breaks_the_loop_but_the_count_goes_on() -> None:
    payload = envelope("assigned", issue=issue("<!-- forgehand:ask hop=7 -->"), assignee={"login": "forgehand-bot"})
    signal = parse("issues", payload, RULES)
    assert isinstance(signal, TaskRequested)
    assert signal.hop == 8


# CI and pushes


def test_a_check_of_ci_counts_even_when_our_push_started_it() -> None:
    signal = parse("check_run", envelope("completed", OURS, check_run=check_run()), RULES)
    assert isinstance(signal, ChecksChanged)
    assert (signal.source, signal.name, signal.conclusion) == ("check_run", "tests", "failure")
    assert (signal.head_sha, signal.pull_numbers, signal.subject) == (SHA, (5,), SUBJECT)


@pytest.mark.parametrize("numbers", [[], [{"number": 1}, {"number": 2}]])
def test_without_one_pull_request_the_commit_is_the_subject(numbers: list[dict[str, int]]) -> None:
    signal = parse("check_run", envelope("created", check_run=check_run(pull_requests=numbers)), RULES)
    assert signal.subject == f"github:11:22:sha:{SHA}"


def test_our_own_check_run_is_no_news() -> None:
    assert parse("check_run", envelope("completed", check_run=check_run(APP)), RULES) == Ignored("our own check run")


def test_a_button_of_ours() -> None:
    payload = envelope("requested_action", check_run=check_run(APP), requested_action={"identifier": "stop"})
    signal = parse("check_run", payload, RULES)
    assert isinstance(signal, CheckActionPressed)
    assert (signal.identifier, signal.external_id, signal.check_run_id) == ("stop", "task-1", 66)
    assert isinstance(parse("check_run", payload | {"check_run": check_run(55)}, RULES), Ignored)


def test_rerequested() -> None:
    signal = parse("check_run", envelope("rerequested", check_run=check_run(APP, external_id="")), RULES)
    assert isinstance(signal, CheckRerequested)
    assert (signal.check_run_id, signal.external_id) == (66, None)
    assert isinstance(parse("check_run", envelope("other", check_run=check_run(APP)), RULES), Ignored)


def test_check_suites() -> None:
    suite = {"head_sha": SHA, "app": {"id": 55, "name": "CI"}, "conclusion": "success", "pull_requests": []}
    ours = suite | {"app": {"id": APP, "name": "Forgehand"}}
    signal = parse("check_suite", envelope("completed", check_suite=suite), RULES)
    assert isinstance(signal, ChecksChanged)
    assert (signal.source, signal.name, signal.conclusion) == ("check_suite", "CI", "success")
    assert isinstance(parse("check_suite", envelope("rerequested", check_suite=ours), RULES), CheckRerequested)
    for action, value in [("completed", ours), ("requested", ours), ("rerequested", suite)]:
        assert isinstance(parse("check_suite", envelope(action, check_suite=value), RULES), Ignored)


def test_workflow_runs_and_statuses() -> None:
    run = {"head_sha": SHA, "name": "CI", "conclusion": "action_required", "pull_requests": [{"number": 5}]}
    signal = parse("workflow_run", envelope("completed", workflow_run=run), RULES)
    assert isinstance(signal, ChecksChanged)
    assert (signal.conclusion, signal.subject) == ("action_required", SUBJECT)
    assert isinstance(parse("workflow_run", envelope("requested", workflow_run=run), RULES), Ignored)
    signal = parse("status", envelope(None, sha=SHA, context="ci/old", state="pending"), RULES)
    assert isinstance(signal, ChecksChanged)
    assert (signal.source, signal.name, signal.conclusion) == ("status", "ci/old", "pending")


def test_pushes() -> None:
    move: dict[str, Any] = {
        "ref": "refs/heads/forgehand/5",
        "before": SHA,
        "after": "b" * 40,
        "forced": True,
        "deleted": False,
    }
    signal = parse("push", envelope(None, **move), RULES)
    assert isinstance(signal, BranchPushed)
    assert (signal.subject, signal.forced) == ("github:11:22:refs/heads/forgehand/5", True)
    assert parse("push", envelope(None, OURS, **move), RULES) == Ignored("our own doing")
    assert parse("push", envelope(None, **move | {"ref": "refs/tags/v1"}), RULES) == Ignored("a tag was pushed")


# Installations and repositories


def test_installations() -> None:
    payload = envelope("created", repositories=[{"id": 1, "full_name": "o/a"}])
    payload["installation"]["permissions"] = {"issues": "write", "checks": "read"}
    signal = parse("installation", payload, RULES)
    assert isinstance(signal, InstallationChanged)
    assert signal.permissions == (("checks", "read"), ("issues", "write"))
    assert (signal.action, signal.added, signal.subject) == ("created", ((1, "o/a"),), "github:11")
    payload = envelope("removed", repositories_added=[], repositories_removed=[{"id": 2, "full_name": "o/b"}])
    signal = parse("installation_repositories", payload, RULES)
    assert isinstance(signal, InstallationChanged)
    assert (signal.action, signal.added, signal.removed) == ("repositories_removed", (), ((2, "o/b"),))


def test_repositories() -> None:
    signal = parse("repository", envelope("archived"), RULES)
    assert isinstance(signal, RepositoryChanged)
    assert (signal.action, signal.subject) == ("archived", "github:11:22")
