"""Refusals in the shape of GitHub's own: a status, a message, and for 422 the list of errors."""

from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """A request that the twin answers with an error, as GitHub would.

    `errors` holds validation errors (`resource`, `field`, `code`, perhaps `message`), or plain sentences.
    """

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | list[str] | None = None) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        if self.errors is not None:
            shown["errors"] = self.errors
        return shown


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def bad_credentials() -> Refusal:
    return Refusal(401, "Bad credentials")


def not_by_integration() -> Refusal:
    return Refusal(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refusal:
    """A 422 about one field; `code` is one of GitHub's (missing_field, invalid, already_exists, custom)."""
    error: dict[str, Any] = {"resource": resource, "field": field, "code": code}
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", [error])
