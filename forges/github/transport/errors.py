"""What can go wrong with a request to GitHub, told apart by what the caller should do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..redaction import redact

_SHOWN = 300


class ForgeError(Exception):
    """A request to GitHub did not do what was asked. `status` is the HTTP status, None when none came back.

    The text names the request, GitHub's own message (redacted) and, in subclasses, what to do.
    """

    def __init__(self, request: str, message: str, *, status: int | None = None) -> None:
        self.status = status
        self.message = redact(message)[:_SHOWN]
        super().__init__(f"{request}: {f'HTTP {status}: ' if status else ''}{self.message}")


class BadCredentials(ForgeError):
    """401 even with a fresh token: the App's id, its private key or the clock is wrong, or it was removed."""


class NotPermitted(ForgeError):
    """403 that is no rate limit: the App lacks a permission or the repository, or it is suspended."""


class NotFound(ForgeError):
    """404 or 410. GitHub also answers 404 for what the token may not see."""


class Conflict(ForgeError):
    """409: the state changed under us, or forbids this; read again before deciding."""


class Unprocessable(ForgeError):
    """400 or 422: GitHub understood and refuses. `details` are its `errors`, each a code or a sentence."""

    def __init__(self, request: str, message: str, *, status: int | None = None, details: tuple[str, ...] = ()) -> None:
        self.details = tuple(redact(detail)[:_SHOWN] for detail in details)
        super().__init__(request, "; ".join((message, *details)), status=status)


class RateLimited(ForgeError):
    """A rate limit holds for longer than this request may wait; nothing was written. `until` is in epoch seconds."""

    def __init__(self, request: str, until: float, *, status: int | None = None) -> None:
        self.until = until
        super().__init__(request, f"rate limited until {until:.0f} (epoch seconds)", status=status)


class ForgeUnavailable(ForgeError):
    """No usable answer: 5xx, a timeout, a cut connection. With `maybe_written`, look before writing again."""

    def __init__(self, request: str, message: str, *, status: int | None = None, maybe_written: bool = False) -> None:
        self.maybe_written = maybe_written
        doubt = " (it may have been written: look before writing again)" if maybe_written else ""
        super().__init__(request, message + doubt, status=status)


def refusal(request: str, status: int, body: Any) -> ForgeError:
    """Return the error for a 4xx answer with the decoded `body`."""
    fields: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    message = str(fields.get("message") or "no message")
    match status:
        case 401:
            return BadCredentials(request, message, status=status)
        case 403 | 451:
            return NotPermitted(request, message, status=status)
        case 404 | 410:
            return NotFound(request, message, status=status)
        case 409:
            return Conflict(request, message, status=status)
        case 400 | 422:
            errors = fields.get("errors")
            details = tuple(_detail(error) for error in errors) if isinstance(errors, list) else ()
            return Unprocessable(request, message, status=status, details=details)
    return ForgeError(request, message, status=status)


def _detail(error: Any) -> str:
    """One entry of `errors`: a sentence, or {resource, field, code, message} of which any may be missing."""
    if not isinstance(error, Mapping):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    return " ".join(str(error[name]) for name in ("resource", "field", "code") if error.get(name))
