"""forges.github.redaction."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.redaction import MASK, Redactor, redact

TOKEN = "ghs_" + "A1b2" * 9


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        "ghp_" + "x" * 36,
        "gho_" + "x" * 36,
        "github_pat_11ABCDEFG0" + "x" * 60,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE cut off",
    ],
)
def test_shapes(secret: str) -> None:
    assert redact(f"before {secret}") == f"before {MASK}"


def test_urls_and_headers() -> None:
    assert redact("https://x-access-token:hunter2hunter2@github.com/o/r") == f"https://{MASK}@github.com/o/r"
    assert redact("Authorization: Basic eC1hY2Nlc3M6eHh4eHg=") == f"Authorization: Basic {MASK}"
    assert redact("authorization: bearer abcdef0123456789") == f"authorization: bearer {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "ghs_short",
        "see https://github.com/o/r:branch",
        "basic usage of the library",
        "the public key -----BEGIN PUBLIC KEY-----",
        "mail me@example.com",
        "eyJust a word",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_exact_secrets_in_all_their_forms() -> None:
    secret = "p@ss/word with+signs"
    redactor = Redactor([secret, secret + "-longer"])
    basic = base64.b64encode(f"x-access-token:{secret}".encode()).decode().rstrip("=")
    for form in (secret, quote(secret, safe=""), basic):
        assert redactor(f"<{form}>") == f"<{MASK}>"
    assert redactor(secret + "-longer!") == MASK + "!"


def test_the_redactor_shows_nothing_itself() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2hunter2"]))


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_secret_too_short_is_an_error(secret: str) -> None:
    with pytest.raises(ValueError, match="fewer than 6"):
        Redactor([secret])


@given(st.text(max_size=60), st.text(min_size=6, max_size=30), st.text(max_size=60))
def test_no_exact_secret_survives(before: str, secret: str, after: str) -> None:
    if secret not in MASK:
        cleaned = Redactor([secret])(before + secret + after)
        assert secret not in cleaned.replace(MASK, "\x00")


@pytest.mark.parametrize(
    "hostile",
    ["-----BEGIN PRIVATE KEY-----" * 3000, "eyJ" + "a" * 60_000, "://" * 20_000, "ghs_" * 16_000, "a:" * 30_000],
)
def test_no_text_takes_long(hostile: str) -> None:
    assert redact(hostile) is not None
