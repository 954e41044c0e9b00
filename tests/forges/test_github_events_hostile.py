"""forges.github.events against anything at all, and against every recorded delivery."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forges.github.events import (
    HANDLED_EVENTS,
    BranchPushed,
    ChecksChanged,
    Ignored,
    InstallationChanged,
    RepositoryChanged,
    ReviewCommented,
    ReviewSubmitted,
    Signal,
    Steering,
    SubjectClosed,
    SubjectEdited,
    SubjectReopened,
    TriggerRules,
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


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("ping", {}, "event 'ping' is not handled"),
        ("x" * 1000, {}, f"event {'x' * 60!r} is not handled"),
        ("issues", {"action": ["assigned"]}, "malformed issues payload: action"),
        ("issues", {}, "the payload names no installation: it was not sent to an App"),
        ("issues", {"installation": {"id": 1}}, "malformed issues payload: repository.id"),
        ("issues", {"installation": {"id": True}}, "malformed issues payload: installation.id"),
        ("issues", {"installation": {"id": 2**63}}, "malformed issues payload: installation.id"),
    ],
)
def test_ignored_with_the_reason(event: str, payload: dict[str, Any], reason: str) -> None:
    signal = parse(event, payload, RULES)
    assert signal == Ignored(reason)
    assert signal.subject is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(HANDLED_EVENTS)) | st.text(), st.dictionaries(st.text(), json_values, max_size=5))
def test_random_json_never_raises(event: str, payload: dict[str, Any]) -> None:
    assert isinstance(parse(event, payload, RULES), Signal)


WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("issues", envelope("assigned", issue=issue(), assignee={"login": "forgehand-bot"})),
    ("issues", envelope("labeled", issue=issue(), label={"name": "forgehand"})),
    ("issues", envelope("opened", issue=issue("@forgehand"))),
    ("issues", envelope("edited", issue=issue(), changes={"title": {"from": "x"}})),
    ("issue_comment", envelope("created", issue=issue(), comment=comment("@forgehand"))),
    ("pull_request", envelope("closed", pull_request=pull())),
    (
        "pull_request_review",
        envelope("submitted", review={"id": 1, "state": "approved", "body": "", "commit_id": SHA}, pull_request=pull()),
    ),
    ("pull_request_review_comment", envelope("created", comment=inline_comment("x"), pull_request=pull())),
    ("check_run", envelope("requested_action", check_run=check_run(APP), requested_action={"identifier": "stop"})),
    ("check_run", envelope("completed", check_run=check_run())),
    ("installation", envelope("created", repositories=[{"id": 1, "full_name": "o/a"}])),
]


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [prefix] if prefix else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*prefix, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += paths(inner, (*prefix, place))
    return found


@settings(max_examples=300)
@given(st.sampled_from(WHOLE), json_values, st.data())
def test_a_good_payload_with_one_part_replaced_never_raises(
    case: tuple[str, dict[str, Any]], replacement: Any, data: st.DataObject
) -> None:
    event, payload = case[0], copy.deepcopy(case[1])
    *way, last = data.draw(st.sampled_from(paths(payload)))
    holder: Any = payload
    for step in way:
        holder = holder[step]
    holder[last] = replacement
    signal = parse(event, payload, RULES)
    assert isinstance(signal, Signal)
    hash(signal)


def test_every_whole_payload_is_a_signal() -> None:
    assert not [event for event, payload in WHOLE if isinstance(parse(event, payload, RULES), Ignored)]


# Recorded deliveries


def test_every_recorded_delivery_parses(webhook_examples: list[tuple[str, dict[str, Any]]]) -> None:
    assert len(webhook_examples) == 329
    for event, payload in webhook_examples:
        assert isinstance(parse(event, payload, RULES), Signal), event


def test_recorded_deliveries_sent_to_an_app_are_not_malformed(
    webhook_examples: list[tuple[str, dict[str, Any]]],
) -> None:
    """Most were recorded without an App: with an installation put in, every handled event must be readable."""
    kinds: set[type] = set()
    for event, payload in webhook_examples:
        signal = parse(event, payload | {"installation": payload.get("installation") or {"id": 1}}, RULES)
        kinds.add(type(signal))
        # A pull request labelled while it is opened can arrive without its label.
        if isinstance(signal, Ignored) and signal.reason.startswith("malformed"):
            assert payload.get("action") in ("labeled", "unlabeled"), (event, signal)
    assert kinds >= {
        BranchPushed,
        ChecksChanged,
        InstallationChanged,
        RepositoryChanged,
        ReviewCommented,
        ReviewSubmitted,
        Steering,
        SubjectClosed,
        SubjectEdited,
        SubjectReopened,
    }
