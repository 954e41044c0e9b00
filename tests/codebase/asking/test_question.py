"""A question taken apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebase.asking import read_question
from codebase.asking.question import LONGEST
from codebase.index.words import terms_of, whole


@pytest.mark.parametrize(
    ("text", "asked", "names"),
    [
        ("Who calls get_netrc_auth?", "callers", ["get_netrc_auth"]),
        ("what uses `Session`?", "callers", ["Session"]),
        ("Where is resolve_redirects called from?", "callers", ["resolve_redirects"]),
        ("Which functions invoke Cart.total?", "callers", ["Cart", "total"]),
        ("who calls total?", "callers", ["total"]),
        ("callers of parseIP", "callers", ["parseIP"]),
        ("Where is parse_duration defined?", "definition", ["parse_duration"]),
        ("What is SessionStore?", "definition", ["SessionStore"]),
        ("Who calls whom?", "callers", ["whom"]),
        ("How does it call the model?", "other", []),
        ("How is the session cookie signed?", "other", []),
        ("How does send_file decide?", "other", ["send_file"]),
    ],
)
def test_what_is_asked_about_which_names(text: str, asked: str, names: list[str]) -> None:
    question = read_question(text)
    assert (question.asked, list(question.names)) == (asked, names)


def test_everyday_words_count_less_and_shown_names_more() -> None:
    weights = {word.text: word.weight for word in read_question("Where does `SessionStore` handle a cookie?").words}
    assert weights["SessionStore"] > weights["cookie"] > weights["handle"]
    assert "Where" not in weights
    assert "does" not in weights


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("serialised", "serialized"),
        ("optimise", "optimize"),
        ("colour", "color"),
        ("UUIDs", "UUID"),
        ("websocket", "WebSocket"),
        ("WebSocket", "websocket"),
        ("cookies", "cookie"),
        ("web_socket", "websocket"),
    ],
)
def test_a_word_stands_for_its_other_spellings(asked: str, written: str) -> None:
    (word,) = read_question(asked).words
    assert {whole(written), *terms_of(written)} & set(word.terms)


def test_a_word_does_not_stand_for_others() -> None:
    (word,) = read_question("session").words
    assert whole("sessions_of") not in word.terms
    assert whole("cookie") not in word.terms


def test_an_endless_question_is_cut() -> None:
    assert len(read_question("word " * 100_000).text) == LONGEST


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    question = read_question(text)
    assert all(word.terms and word.weight > 0 for word in question.words)
