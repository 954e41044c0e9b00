"""What deliveries mean for kernels: a pull request at another head, and `/forgehand verify-kernel`."""

from typing import Any

import pytest

from forges.github.events import (
    ExplainRequested,
    Ignored,
    PullRequestMoved,
    Signal,
    Steering,
    StopRequested,
    SubjectEdited,
    SubjectReopened,
    TaskRequested,
    VerifyKernelsRequested,
    parse,
)
from forges.github.markdown import find_verification
from tests.forges.payloads import BOT, SHA, comment, envelope, issue, pull, sender
from tests.forges.test_github_events import RULES, SUBJECT


def moved(action: str, body: str = "Mends it.", by: dict[str, Any] | None = None) -> PullRequestMoved:
    signal = parse("pull_request", envelope(action, by, pull_request=pull(body)), RULES)
    assert isinstance(signal, PullRequestMoved)
    assert (signal.subject, signal.head_sha, signal.is_pull_request) == (SUBJECT, SHA, True)
    return signal


@pytest.mark.parametrize(
    ("action", "body", "meant"),
    [
        ("synchronize", "", Ignored),
        ("opened", "Mends it.", Ignored),
        ("opened", "@forgehand look at this", TaskRequested),
        ("opened", "@forgehand explain this", ExplainRequested),
        ("reopened", "", SubjectReopened),
    ],
)
def test_a_pull_request_at_another_head_means_what_it_meant_and_that(action: str, body: str, meant: type) -> None:
    assert isinstance(moved(action, body).meant, meant)


def test_a_pull_request_onto_another_base_moves() -> None:
    """What its kernels are judged by is the base's."""

    def edited(by: dict[str, Any] | None = None, **changes: Any) -> Signal:
        return parse("pull_request", envelope("edited", by, pull_request=pull(), changes=changes), RULES)

    onto = {"ref": {"from": "old"}, "sha": {"from": SHA}}
    signal = edited(base=onto)
    assert isinstance(signal, PullRequestMoved)
    assert signal.head_sha == SHA
    assert isinstance(signal.meant, SubjectEdited)
    assert signal.meant.base_changed
    assert isinstance(edited(sender(BOT, "forgehand[bot]", "Bot"), base=onto), PullRequestMoved)
    assert isinstance(edited(title={"from": "x"}), SubjectEdited)


def test_our_own_pull_requests_move_too() -> None:
    signal = moved("opened", "@forgehand fix", sender(BOT, "forgehand[bot]", "Bot"))
    assert signal.meant == Ignored("our own doing")


def test_a_head_that_is_none() -> None:
    payload = envelope("synchronize", pull_request=pull() | {"head": {"ref": "x"}})
    assert parse("pull_request", payload, RULES) == Ignored("malformed pull_request payload: pull_request.head.sha")


def test_an_issue_that_is_opened_moves_nothing() -> None:
    assert isinstance(parse("issues", envelope("opened", issue=issue()), RULES), Ignored)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/forgehand verify-kernel", ""),
        ("/forgehand verify-kernel softmax", "softmax"),
        ("Please.\n\n  /Forgehand  Verify-Kernel   soft.max-2 \n\nThanks", "soft.max-2"),
        ("/forgehand verify-kernels", ""),
        ("/forgehand verify-kernelx", None),
        ("/forgehand verify", None),
        ("please /forgehand verify-kernel", None),
        ("> /forgehand verify-kernel", None),
        ("```\n/forgehand verify-kernel\n```", None),
        ("/forgehand explain verify-kernel", None),
    ],
)
def test_what_asks_for_a_verification(text: str, name: str | None) -> None:
    assert find_verification(text, "forgehand") == name


def said(body: str, by: dict[str, Any] | None = None) -> Signal:
    payload = envelope("created", by, issue=issue(pull_request={"url": "x"}), comment=comment(body))
    return parse("issue_comment", payload, RULES)


def test_a_comment_that_asks() -> None:
    signal = said("/forgehand verify-kernel softmax")
    assert isinstance(signal, VerifyKernelsRequested)
    assert (signal.subject, signal.name, signal.problem, signal.is_pull_request) == (SUBJECT, "softmax", None, True)
    every = said("/forgehand verify-kernel")
    assert isinstance(every, VerifyKernelsRequested)
    assert every.name is None


@pytest.mark.parametrize("name", ["soft max", "../x", "-x", "a" * 51, "@everyone"])
def test_what_is_no_name_is_told(name: str) -> None:
    signal = said(f"/forgehand verify-kernel {name}")
    assert isinstance(signal, VerifyKernelsRequested)
    assert signal.name is None
    assert signal.problem is not None
    assert signal.problem.count("`") == 2
    assert "@everyone" not in signal.problem


def test_a_stop_comes_first_and_bots_ask_for_nothing() -> None:
    assert isinstance(said("/forgehand stop\n/forgehand verify-kernel"), StopRequested)
    assert isinstance(said("/forgehand verify-kernel", sender(BOT, "forgehand[bot]", "Bot")), Ignored)
    assert isinstance(said("verify-kernel"), Steering)
