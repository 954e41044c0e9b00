"""What a webhook POST must look like before its body is worth verifying. Pure: headers in, verdict out.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# GitHub does not deliver payloads over 25 MB.
BODY_CAP = 25 * 1024 * 1024
CONTENT_TYPES = {
    b"application/json": "application/json",
    b"application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
}
# The type GitHub gives to a webhook that belongs to a GitHub App.
APP_TARGET = b"integration"

_event = re.compile(rb"[A-Za-z0-9_.-]{1,64}").fullmatch
_delivery = re.compile(rb"[A-Za-z0-9-]{1,64}").fullmatch
_app_id = re.compile(rb"[0-9]{1,20}").fullmatch
_length = re.compile(rb"[0-9]{1,18}").fullmatch


@dataclass(frozen=True, slots=True)
class Accepted:
    """The headers of a delivery, checked for form. Nothing here is trusted until the signature over the body holds."""

    app_id: str
    delivery_id: str
    event: str
    content_type: str
    signature: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    status: int
    result: str
    sentence: str


METHOD = Rejected(405, "wrong_method", "Send deliveries with POST.")
TOO_LARGE = Rejected(413, "too_large", "A delivery may have at most 25 MB.")
BAD_LENGTH = Rejected(400, "bad_headers", "Content-Length is not a number.")
MEDIA_TYPE = Rejected(415, "wrong_content_type", "Send application/json or application/x-www-form-urlencoded.")
NO_EVENT = Rejected(400, "bad_headers", "X-GitHub-Event is missing or malformed.")
NO_DELIVERY = Rejected(400, "bad_headers", "X-GitHub-Delivery is missing or malformed.")
NO_APP = Rejected(400, "bad_headers", "X-GitHub-Hook-Installation-Target-ID is missing or malformed.")
NOT_AN_APP = Rejected(400, "bad_headers", "This address takes the webhook of a GitHub App, not of a repository.")
SIGNATURE = Rejected(401, "bad_signature", "The signature does not match.")


def check(method: str, headers: Iterable[tuple[bytes, bytes]]) -> Accepted | Rejected:
    """Header names are lower case, as ASGI gives them. Says what is wrong first; the signature is not checked here."""
    if method != "POST":
        return METHOD
    given = dict(headers)
    length = given.get(b"content-length")
    if length is not None:
        if not _length(length):
            return BAD_LENGTH
        if int(length) > BODY_CAP:
            return TOO_LARGE
    content_type = CONTENT_TYPES.get(given.get(b"content-type", b"").partition(b";")[0].strip().lower())
    if content_type is None:
        return MEDIA_TYPE
    event = given.get(b"x-github-event", b"")
    if not _event(event):
        return NO_EVENT
    delivery = given.get(b"x-github-delivery", b"")
    if not _delivery(delivery):
        return NO_DELIVERY
    app_id = given.get(b"x-github-hook-installation-target-id", b"")
    if not _app_id(app_id):
        return NO_APP
    if given.get(b"x-github-hook-installation-target-type", APP_TARGET) != APP_TARGET:
        return NOT_AN_APP
    signature = given.get(b"x-hub-signature-256")
    return Accepted(
        app_id.decode(),
        delivery.decode(),
        event.decode(),
        content_type,
        None if signature is None else signature.decode("latin-1"),
    )
