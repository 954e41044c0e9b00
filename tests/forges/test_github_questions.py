"""`@forgehand explain`: what counts as a question, where, and what is left to the other requests."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forges.github.events import ExplainRequested, Ignored, Signal, StopRequested, TaskRequested, parse
from forges.github.markdown import QUESTION_LIMIT, find_question
from tests.forges.payloads import BOT, comment, envelope, inline_comment, issue, pull, sender
from tests.forges.test_github_events import RULES, SUBJECT


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("@forgehand explain how sessions end", "how sessions end"),
        ("@forgehand: explain how sessions end", "how sessions end"),
        ("@Forgehand[bot], please explain: how sessions end", "how sessions end"),
        ("Hello @forgehand can you explain how sessions end?", "how sessions end?"),
        ("@forgehand could you please explain how sessions end?", "how sessions end?"),
        ("/forgehand explain how sessions end", "how sessions end"),
        ("Morning.\n\n  /forgehand explain\nhow sessions end", "how sessions end"),
        ("@forgehand explain `Session.close`\n\n```\ncode\n```", "`Session.close`\n\n```\ncode\n```"),
        ("@forgehand explain\n\n> quoted", "> quoted"),
        ("@forgehand explain this <!-- not this -->", "this"),
        ("@forgehand explain", ""),
        ("@forgehand EXPLAIN x", "x"),
    ],
)
def test_a_question_is_what_follows(text: str, question: str) -> None:
    assert find_question(text, "forgehand", "forgehand") == question


@pytest.mark.parametrize(
    "text",
    [
        "explain how sessions end",
        "@forgehand fix it",
        "@forgehand explains nothing",
        "@forgehand explain-it",
        "@forgehandy explain x",
        "me@forgehand explain x",
        "org/@forgehand explain x",
        "`@forgehand explain x`",
        "```\n@forgehand explain x\n```",
        "> @forgehand explain x",
        "    @forgehand explain x",
        "<!-- @forgehand explain x -->",
        "text /forgehand explain x",
        "/forgehandy explain x",
        "@forgehand take this and explain it",
    ],
)
def test_other_words_are_none(text: str) -> None:
    assert find_question(text, "forgehand", "forgehand") is None


def test_a_long_question_is_cut_and_an_unnamed_app_is_asked_nothing() -> None:
    assert len(find_question("@f explain " + "x" * 9_000, "f", "f") or "") == QUESTION_LIMIT
    assert find_question("@ explain x", "", "") is None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = find_question(text, "forgehand", "forgehand")
    assert found is None or "explain" in text.lower()


def asked(signal: Signal) -> ExplainRequested:
    assert isinstance(signal, ExplainRequested)
    return signal


def test_in_a_comment() -> None:
    payload = envelope("created", issue=issue(), comment=comment("@forgehand explain how it breaks"))
    signal = asked(parse("issue_comment", payload, RULES))
    assert (signal.question, signal.said_in, signal.comment_id, signal.hop) == ("how it breaks", "comment:99", 99, 1)
    assert (signal.subject, signal.title, signal.body, signal.path) == (SUBJECT, "Broken", "It breaks.", None)


def test_on_a_pull_request() -> None:
    on_pull = envelope("created", issue=issue(pull=True), comment=comment("/forgehand explain the mending"))
    assert asked(parse("issue_comment", on_pull, RULES)).is_pull_request
    review = {"id": 8, "body": "@forgehand explain this", "state": "commented", "commit_id": None}
    whole = asked(parse("pull_request_review", envelope("submitted", pull_request=pull(), review=review), RULES))
    assert (whole.said_in, whole.comment_id, whole.question) == ("review:8", None, "this")
    inline = envelope("created", pull_request=pull(), comment=inline_comment("@forgehand explain this line"))
    at_line = asked(parse("pull_request_review_comment", inline, RULES))
    assert (at_line.said_in, at_line.path, at_line.comment_id) == ("review_comment:99", "src/a.py", None)


def test_in_the_text_of_a_new_issue() -> None:
    signal = asked(parse("issues", envelope("opened", issue=issue("@forgehand explain how it works")), RULES))
    assert (signal.said_in, signal.question) == ("opened", "how it works")


def test_a_stop_counts_before_a_question_and_a_question_before_a_task() -> None:
    both = comment("@forgehand explain it\n/forgehand stop")
    assert isinstance(parse("issue_comment", envelope("created", issue=issue(), comment=both), RULES), StopRequested)
    fix = comment("@forgehand explain it\n/forgehand fix")
    assert isinstance(parse("issue_comment", envelope("created", issue=issue(), comment=fix), RULES), ExplainRequested)
    plain = comment("@forgehand please mend it")
    assert isinstance(parse("issue_comment", envelope("created", issue=issue(), comment=plain), RULES), TaskRequested)


def test_the_guards_of_every_request_hold_for_questions() -> None:
    ours = envelope(
        "created", sender(BOT, "forgehand[bot]", "Bot"), issue=issue(), comment=comment("@forgehand explain")
    )
    assert isinstance(parse("issue_comment", ours, RULES), Ignored)
    bot = envelope("created", sender(9, "other[bot]", "Bot"), issue=issue(), comment=comment("@forgehand explain"))
    assert isinstance(parse("issue_comment", bot, RULES), Ignored)
    far = comment("<!-- forgehand:answer task=1 hop=3 -->\n@forgehand explain x")
    assert isinstance(parse("issue_comment", envelope("created", issue=issue(), comment=far), RULES), Ignored)
    near = comment("<!-- forgehand:answer task=1 hop=1 -->\n@forgehand explain x")
    assert asked(parse("issue_comment", envelope("created", issue=issue(), comment=near), RULES)).hop == 2
    edited = envelope("edited", issue=issue(), comment=comment("@forgehand explain x"))
    assert isinstance(parse("issue_comment", edited, RULES), Ignored)
