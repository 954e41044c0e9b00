"""What is taken out of text, and what is left alone."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.redaction import MARK, Redactor

PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(["QUJD" * 16] * 3) + "\n-----END RSA PRIVATE KEY-----\n"
SHAPED = {
    "installation token": "ghs_" + "a1B2" * 9,
    "long installation token": "ghs_123_eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc-def",
    "personal token": "ghp_" + "a1B2" * 9,
    "fine-grained token": "github_pat_" + "11AAAAAAA0_" + "x" * 40,
    "model key": "sk-ant-api03-" + "A" * 40,
    "JSON web token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJl_-x",
    "private key": PEM,
    "private key cut off": PEM[:120],
}


@pytest.mark.parametrize("secret", SHAPED.values(), ids=SHAPED.keys())
def test_what_looks_like_a_secret_goes(secret: str) -> None:
    out = Redactor().text(f"before {secret}")
    assert out.startswith(f"before {MARK}")
    assert secret[8:40] not in out


def test_a_password_in_an_address_goes() -> None:
    assert Redactor().text("clone https://x-access-token:hunter2@host/a.git") == f"clone https://{MARK}@host/a.git"
    assert "0123456789abcdef" not in Redactor().text("Authorization: Bearer 0123456789abcdef0123")


@pytest.mark.parametrize(
    "text",
    [
        "task 68f1c0a2b3d4 moved to proving",
        "d34db33fd34db33fd34db33fd34db33fd34db33f",
        "https://github.com/octo/sample/pull/7",
        "2026-11-20T20:19:51Z 10.0.0.1:5432",
        "-----BEGIN CERTIFICATE-----",
        "the ghs_ prefix and sk- too",
        "postgresql+psycopg://postgres@/db?host=/tmp/x",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor(["a-known-secret"]).text(text) == text


SECRETS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=12, max_size=60).filter(
    lambda text: text.strip() == text and len(set(text)) > 6 and text not in MARK
)


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_known_secret_goes_in_every_form(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), json.dumps(secret)[1:-1]):
        assert form not in redactor.text(f"{before}{form}{after}").replace(MARK, "")


def test_a_known_key_goes_line_by_line() -> None:
    line = PEM.splitlines()[1]
    assert line not in Redactor([PEM]).text(f"tail of it: {line}")


def test_values_at_any_depth() -> None:
    secret = "a-known-secret"
    value = {"a": [b"x a-known-secret", ("a-known-secret", 3)], "a-known-secret": {"b": None}, "n": 1.5}
    out = Redactor([secret]).value(value)
    assert secret not in repr(out)
    assert out == {"a": [f"x {MARK}", [MARK, 3]], MARK: {"b": None}, "n": 1.5}


def test_a_short_word_is_not_a_secret() -> None:
    assert Redactor(["the", ""]).text("the end") == "the end"
