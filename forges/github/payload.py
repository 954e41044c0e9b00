"""From the raw body of a delivery to a dictionary, within bounds.

GitHub sends a payload as JSON or as a form whose field `payload` holds the same JSON, chosen in the App's settings:
https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import parse_qsl

MAX_BODY_BYTES = 25 * 1024 * 1024
"""GitHub does not deliver payloads over 25 MB (docs: "Webhook events and payloads")."""

MAX_DEPTH = 64
"""Levels of nesting taken. The deepest recorded payload has fewer than ten."""

_MAX_FORM_FIELDS = 8

Fault = Literal[
    "too_large",
    "content_type",
    "encoding",
    "form",
    "syntax",
    "duplicate_key",
    "number",
    "too_deep",
    "not_an_object",
]

_STATUS: dict[Fault, int] = {"too_large": 413, "content_type": 415}


class PayloadError(ValueError):
    """The body is no payload. `fault` says why in one word, `status` is the HTTP status to answer with."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault: Fault = fault
        self.status = _STATUS.get(fault, 400)


def decode(
    body: bytes, content_type: str | None, *, max_bytes: int = MAX_BODY_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, Any]:
    """Return the payload object in `body`, whose Content-Type header is `content_type`.

    Raises PayloadError and nothing else. The result holds only str, int, finite float, bool, None, list and dict, has
    no duplicate keys, no lone surrogates (they cannot be stored as UTF-8) and at most `max_depth` levels.
    """
    if len(body) > max_bytes:
        raise PayloadError("too_large", f"the body has {len(body)} bytes, more than the {max_bytes} taken")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        text = _utf8(body)
    elif media_type == "application/x-www-form-urlencoded":
        text = _form_payload(body)
    else:
        shown = media_type[:80] or "none"
        raise PayloadError("content_type", f"content type {shown!r}: send application/json or a form with `payload`")
    value = _parse(text)
    if not isinstance(value, dict):
        raise PayloadError("not_an_object", f"the payload is a JSON {type(value).__name__}, not an object")
    _check(value, max_depth)
    return value


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("encoding", f"the body is not UTF-8 at byte {error.start}") from None


def _form_payload(body: bytes) -> str:
    form = _utf8(body)
    try:
        fields = parse_qsl(
            form, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except UnicodeDecodeError:
        raise PayloadError("encoding", "a form field is not UTF-8") from None
    except ValueError:
        raise PayloadError("form", f"the form has more than {_MAX_FORM_FIELDS} fields") from None
    payloads = [value for name, value in fields if name == "payload"]
    if len(payloads) != 1:
        raise PayloadError("form", f"the form has {len(payloads)} fields named `payload`, not one")
    return payloads[0]


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
    except PayloadError:
        raise
    except json.JSONDecodeError as error:
        raise PayloadError("syntax", f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise PayloadError("too_deep", "the payload is nested too deeply to be parsed") from None
    except ValueError:
        # Python refuses to convert integers of more than 4300 digits (CVE-2020-10735).
        raise PayloadError("number", "the payload has an integer too long to be read") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [key for key, _ in pairs]
        doubled = next(name for place, name in enumerate(names) if name in names[:place])
        raise PayloadError("duplicate_key", f"the key {doubled[:80]!r} stands twice in one object")
    return result


def _constant(name: str) -> float:
    raise PayloadError("number", f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise PayloadError("number", "the payload has a number outside the range of a double")
    return value


def _check(root: dict[str, Any], max_depth: int) -> None:
    level: list[Any] = [root]
    for _ in range(max_depth + 1):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise PayloadError("too_deep", f"the payload has more than {max_depth} levels")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        _storable(value)
        return ()
    if isinstance(value, dict):
        for key in value:
            _storable(key)
        return value.values()
    return value if isinstance(value, list) else ()


def _storable(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PayloadError("encoding", "the payload has half of a surrogate pair") from None
