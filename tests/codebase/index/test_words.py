"""What becomes of words: the same term for what means the same, and nothing for what means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index.words import terms, terms_of, whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("getHTTPResponse", "get_http_response"),
        ("validated", "validating"),
        ("ParseError", "parse error"),
        ("_private_name", "privateName"),
        ("sessions", "session"),
        ("utf8decoder", "utf decoder"),
    ],
)
def test_forms_of_a_name_share_their_parts(one: str, other: str) -> None:
    assert set(terms(other)) & set(terms(one)), (one, other)


def test_a_whole_identifier_is_a_term_of_its_own() -> None:
    found = terms_of("resolve_redirects")
    assert len(found) == 3
    assert whole("resolve_redirects") in found
    assert whole("resolveRedirects") not in found, "another identifier, though its parts are the same"
    assert set(terms("resolve redirects")) < set(found)


def test_what_stands_everywhere_is_no_term() -> None:
    assert list(terms("def self return the and if x 1 22")) == []


def test_terms_are_the_same_in_every_process() -> None:
    assert list(terms("socket")) == [whole("socket")]
    assert whole("socket") == -3469927886324390943


@given(st.text(max_size=300))
def test_any_text_has_terms_of_64_bits(text: str) -> None:
    assert all(-(1 << 63) <= term < 1 << 63 for term in terms(text))


def test_a_word_without_end_is_passed_over() -> None:
    assert terms_of("a" * 10_000) == ()
