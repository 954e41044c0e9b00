"""forges.github.payload."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.payload import MAX_DEPTH, PayloadError, decode

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "content_type", "fault", "status"),
    [
        (b"{}", None, "content_type", 415),
        (b"{}", "", "content_type", 415),
        (b"{}", "text/plain", "content_type", 415),
        (b"{}", "application/jsonp", "content_type", 415),
        (b"payload={}", "multipart/form-data; boundary=x", "content_type", 415),
        (b"", JSON, "syntax", 400),
        (b'{"a": 1', JSON, "syntax", 400),
        (b'{"a": "\n"}', JSON, "syntax", 400),
        (b'{"a": 1} x', JSON, "syntax", 400),
        (b"\xef\xbb\xbf{}", JSON, "syntax", 400),
        (b'{"a": "\xff"}', JSON, "encoding", 400),
        ('{"a": 1}'.encode("utf-16"), JSON, "encoding", 400),
        (b'{"a": "\\ud800"}', JSON, "encoding", 400),
        (b'{"\\udc00x": 1}', JSON, "encoding", 400),
        (b"[]", JSON, "not_an_object", 400),
        (b"null", JSON, "not_an_object", 400),
        (b'"x"', JSON, "not_an_object", 400),
        (b'{"a": NaN}', JSON, "number", 400),
        (b'{"a": -Infinity}', JSON, "number", 400),
        (b'{"a": 1e999}', JSON, "number", 400),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, "number", 400),
        (b'{"a": 1, "a": 2}', JSON, "duplicate_key", 400),
        (b'{"x": [{"a": 1, "b": 2, "a": 1}]}', JSON, "duplicate_key", 400),
        (nested(MAX_DEPTH + 1), JSON, "too_deep", 400),
        (b'{"a":' + b"[" * 100_000, JSON, "too_deep", 400),
        (b"payload={}&payload={}", FORM, "form", 400),
        (b"other={}", FORM, "form", 400),
        (b"", FORM, "form", 400),
        (b"&".join([b"a=1"] * 9), FORM, "form", 400),
        (b"payload=%ff", FORM, "encoding", 400),
        (b"payload=\xff", FORM, "encoding", 400),
        (b"payload=%5B%5D", FORM, "not_an_object", 400),
    ],
)
def test_refused(body: bytes, content_type: str | None, fault: str, status: int) -> None:
    with pytest.raises(PayloadError) as caught:
        decode(body, content_type)
    assert (caught.value.fault, caught.value.status) == (fault, status)
    assert len(str(caught.value)) < 200


def test_too_large_is_told_before_anything_is_parsed() -> None:
    with pytest.raises(PayloadError, match="11 bytes, more than the 10") as caught:
        decode(b"not json at", "text/nonsense", max_bytes=10)
    assert (caught.value.fault, caught.value.status) == ("too_large", 413)


def test_just_deep_enough_passes() -> None:
    assert decode(nested(MAX_DEPTH), JSON)


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", " application/json ; x=y"]
)
def test_json_types(content_type: str) -> None:
    assert decode('{"a": "é😀", "b": [1, 2.5, null, true]}'.encode(), content_type) == {
        "a": "é😀",
        "b": [1, 2.5, None, True],
    }


def test_a_form_field_with_everything_that_must_be_escaped() -> None:
    payload = {"body": "a+b & c=d; 100% é 😀\r\n"}
    assert decode(urlencode({"payload": json.dumps(payload)}).encode(), FORM) == payload
    assert decode(b"x=1&payload=" + quote_plus(json.dumps(payload)).encode(), FORM + "; charset=utf-8") == payload


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(text, values, max_size=5)


@given(objects, st.booleans())
def test_what_json_writes_is_read_back_in_both_encodings(payload: dict[str, Any], ascii_only: bool) -> None:
    document = json.dumps(payload, ensure_ascii=ascii_only)
    assert decode(document.encode(), JSON) == payload
    assert decode(urlencode({"payload": document}).encode(), FORM) == payload


@given(st.binary(max_size=200), st.sampled_from([JSON, FORM, "text/plain", None]))
def test_any_bytes_give_a_payload_or_a_payload_error(body: bytes, content_type: str | None) -> None:
    try:
        result = decode(body, content_type)
    except PayloadError:
        return
    assert isinstance(result, dict)


@given(objects, st.data())
def test_a_truncated_document_is_refused(payload: dict[str, Any], data: st.DataObject) -> None:
    document = json.dumps(payload).encode()
    cut = data.draw(st.integers(0, len(document) - 1))
    with pytest.raises(PayloadError):
        decode(document[:cut], JSON)


@given(st.text(alphabet='{}[]",:0123456789eE+-.NaInfity\\u ', max_size=60))
def test_no_number_that_is_not_finite_gets_through(document: str) -> None:
    try:
        result = decode(document.encode(), JSON)
    except PayloadError:
        return
    waiting: list[Any] = [result]
    while waiting:
        value = waiting.pop()
        assert not isinstance(value, float) or math.isfinite(value)
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
