"""forges.github.signature."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.signature import sign_sha256, verify_sha256

SECRET = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
# The example of GitHub's page "Validating webhook deliveries".
DOCUMENTED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_own_example() -> None:
    assert verify_sha256(BODY, DOCUMENTED, [SECRET])
    assert sign_sha256(BODY, SECRET) == DOCUMENTED


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        DOCUMENTED.removeprefix("sha256="),
        DOCUMENTED.upper(),
        DOCUMENTED[:-1],
        DOCUMENTED + "0",
        DOCUMENTED + " ",
        " " + DOCUMENTED,
        DOCUMENTED.replace("sha256=", "sha1="),
        "sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest(),
        "sha256=" + "g" * 64,
        "sha256=" + "\u0661" * 64,
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 64,
        f"{DOCUMENTED},{DOCUMENTED}",
    ],
)
def test_a_bad_header_is_refused(header: str | None) -> None:
    assert not verify_sha256(BODY, header, [SECRET])


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b""]])
def test_no_secret_is_an_error_not_a_pass(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="no webhook secret"):
        verify_sha256(BODY, DOCUMENTED, secrets)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_live_secret_counts(place: int) -> None:
    secrets = [b"old", b"older"]
    secrets.insert(place, SECRET)
    assert verify_sha256(BODY, DOCUMENTED, secrets)


def test_every_secret_is_tried_even_after_a_match(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    genuine = hmac.compare_digest

    def counting(left: str, right: str) -> bool:
        compared.append(left)
        return genuine(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    assert verify_sha256(BODY, DOCUMENTED, [SECRET, b"one", b"two"])
    assert len(compared) == 3


@given(st.binary(), st.lists(st.binary(min_size=1), min_size=1, max_size=3, unique=True), st.data())
def test_what_is_signed_verifies_and_one_flipped_bit_does_not(
    body: bytes, secrets: list[bytes], data: st.DataObject
) -> None:
    header = sign_sha256(body, data.draw(st.sampled_from(secrets)))
    assert verify_sha256(body, header, secrets)
    place = data.draw(st.integers(min_value=0, max_value=len(body)))
    altered = body[:place] + bytes([(body[place] if place < len(body) else 0) ^ 1]) + body[place + 1 :]
    assert not verify_sha256(altered, header, secrets)


@given(st.binary(max_size=64), st.text(max_size=80))
def test_no_header_makes_it_raise(body: bytes, header: str) -> None:
    assert verify_sha256(body, header, [SECRET]) == (header == sign_sha256(body, SECRET))
