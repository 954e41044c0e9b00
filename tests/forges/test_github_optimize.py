"""`/forgehand optimize PATH`: in a comment, or in the text of an issue that is given to us."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.events import Signal, StopRequested, TaskRequested, parse
from forges.github.markdown import Optimization, find_optimization
from tests.forges.payloads import comment, envelope, issue, pull
from tests.forges.test_github_events import RULES


def found(text: str) -> Optimization | None:
    return find_optimization(text, "forgehand", "forgehand")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/forgehand optimize kernels/softmax.py", "kernels/softmax.py"),
        ("Morning.\n\n/forgehand optimise softmax\n\nThanks.", "softmax"),
        ("/forgehand optimize `kernels/soft max.py`", None),
        ("/forgehand optimize `kernels/softmax.py`", "kernels/softmax.py"),
        ("@forgehand optimize softmax", "softmax"),
        ("@forgehand[bot], optimize softmax\r\n", "softmax"),
        ("/forgehand optimize ./kernels/a.py", "./kernels/a.py"),
        ("/forgehand optimize", None),
        ("/forgehand optimize ../../etc/passwd", None),
        ("/forgehand optimize a//b.py", None),
        ("/forgehand optimize $(reboot)", None),
        ("/forgehand optimize softmax gelu", None),
        ("/forgehand optimize <!-- hidden.py -->", None),
    ],
)
def test_what_is_to_be_optimized(text: str, target: str | None) -> None:
    request = found(text)
    assert request is not None
    assert (request.target or None) == target
    assert (request.problem is None) == (target is not None)


@pytest.mark.parametrize(
    "text",
    [
        "please optimize kernels/softmax.py",
        "> /forgehand optimize softmax",
        "```\n/forgehand optimize softmax\n```",
        "`/forgehand optimize softmax`",
        "<!-- /forgehand optimize softmax -->",
        "/forgehand optimizes softmax",
        "we said /forgehand optimize softmax yesterday",
        "/forgehand fix softmax",
    ],
)
def test_what_asks_for_nothing(text: str) -> None:
    assert found(text) is None


def test_a_base_may_be_named() -> None:
    assert found("/forgehand optimize softmax base:release/2") == Optimization("softmax", "release/2", None)
    request = found("/forgehand optimize softmax base:..")
    assert request is not None
    assert "does not name a branch" in (request.problem or "")


@given(st.text(alphabet=st.sampled_from("/forgehandoptimize `\n\r\x0b\x85<!->@. ab"), max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    found(text)
    found(f"/forgehand optimize {text}")


def asked(signal: Signal) -> TaskRequested:
    assert isinstance(signal, TaskRequested)
    return signal


def by_comment(body: str, *, on_pull: bool = False) -> Signal:
    parts: dict[str, Any] = {"issue": issue(pull=on_pull), "comment": comment(body)}
    return parse("issue_comment", envelope("created", **parts), RULES)


@pytest.mark.parametrize("on_pull", [False, True])
def test_a_comment_asks_for_it(on_pull: bool) -> None:
    request = asked(by_comment("/forgehand optimize softmax base:dev", on_pull=on_pull))
    assert (request.trigger, request.optimize, request.base, request.problem) == ("command", "softmax", "dev", None)
    assert (request.comment_id, request.is_pull_request) == (99, on_pull)


def test_a_comment_that_does_not_say_what_is_told_so() -> None:
    request = asked(by_comment("/forgehand optimize"))
    assert request.optimize is None
    assert "say what to optimize" in (request.problem or "")


def test_a_stop_counts_before_it() -> None:
    assert isinstance(by_comment("/forgehand optimize softmax\n\n/forgehand stop"), StopRequested)


def test_other_requests_optimize_nothing() -> None:
    assert asked(by_comment("/forgehand fix")).optimize is None


def test_an_issue_of_that_kind_is_one_whose_text_has_the_command() -> None:
    given_to = next(iter(RULES.assignees))
    for body, optimize in (("Softmax is slow.\n\n/forgehand optimize softmax", "softmax"), ("Softmax is slow.", None)):
        payload = envelope("assigned", issue=issue(body), assignee={"login": given_to})
        assert asked(parse("issues", payload, RULES)).optimize == optimize
    opened = asked(parse("issues", envelope("opened", issue=issue("/forgehand optimize softmax")), RULES))
    assert (opened.trigger, opened.optimize) == ("opened_mention", "softmax")
    payload = envelope("labeled", pull_request=pull("/forgehand optimize softmax"), label={"name": RULES.label or ""})
    assert asked(parse("pull_request", payload, RULES)).optimize == "softmax"
