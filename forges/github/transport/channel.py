"""One way to talk to GitHub: every REST and GraphQL request of the room passes through `Channel.request`.

It renews a refused token once, keeps to rate limits, repeats what is safe to repeat and says of everything else
whether it may have been written. PyGithub's requester does the HTTP; its own retrying is off, because it would send a
POST again after a 502 that had been executed (seen with PyGithub 2.10: two 502s made three comments).
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import requests
from github import Github
from github.Auth import Auth
from github.Requester import Requester

from ..redaction import Redactor
from .errors import ForgeError, ForgeUnavailable, NotFound, NotPermitted, RateLimited, Unprocessable, refusal
from .limits import Gate, blocked_until
from .tokens import InstallationAuth

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
USER_AGENT = "Forgehand"
PER_PAGE = 100

_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_FIRST_BACKOFF_S = 0.25

# At DEBUG PyGithub logs whole bodies: the answer that carries a new token, and every comment.
logging.getLogger("github.Requester").addFilter(lambda record: record.levelno > logging.DEBUG)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: `body` is the decoded JSON, None when it was empty; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to hold on: `timeout_s` for an answer to begin, `wait_s` in all for rate limits, `attempts` in all."""

    timeout_s: int = 20
    wait_s: float = 30.0
    attempts: int = 4


class Channel:
    """Requests under one credential. Safe to share between threads: each thread has connections of its own.

    Every text in a request's body passes the `redactor`: what a model or a command wrote may quote a secret.
    """

    def __init__(
        self,
        base_url: str,
        auth: Callable[[], Auth | None],
        gate: Gate,
        patience: Patience,
        *,
        redactor: Redactor | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._gate = gate
        self._patience = patience
        self._redactor = redactor or Redactor()
        self._now = now
        self._sleep = sleep
        self._of_thread = threading.local()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return the decoded JSON of one GET."""
        return self.request("GET", path, params=params).body

    def post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> Any:
        """Return the decoded JSON of one POST. `repeatable` is for a POST whose doubling harms nothing."""
        return self.request("POST", path, body=body, repeatable=repeatable).body

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the decoded JSON of one PATCH."""
        return self.request("PATCH", path, body=body).body

    def pages(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        key: str | None = None,
        limit: int = 10_000,
    ) -> Iterator[Any]:
        """Yield the entries of a paginated list, whose page is a list or has it under `key`.

        Raises ForgeError after `limit` entries: a list cut short in silence would be taken for the whole.
        """
        target: str | None = path
        query: Mapping[str, str | int] = {"per_page": PER_PAGE, **(params or {})}
        count = 0
        while target is not None:
            answer = self.request("GET", target, params=query)
            for entry in answer.body[key] if key is not None else answer.body:
                count += 1
                if count > limit:
                    raise ForgeError(f"GET {path}", f"the list has more than {limit} entries")
                yield entry
            following = _NEXT.search(answer.headers.get("link", ""))
            # The requester takes only the path and query of an absolute URL: the token never goes to another host.
            target, query = (following[1] if following else None), {}

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Return `data` of one GraphQL mutation or query. Errors become the same exceptions as REST's."""
        body = self.request("POST", self._requester().graphql_url, body={"query": query, "variables": dict(variables)})
        if errors := body.body.get("errors"):
            first = errors[0] if isinstance(errors[0], Mapping) else {}
            message = str(first.get("message", "no message"))
            match first.get("type"):
                case "NOT_FOUND":
                    raise NotFound("GraphQL", message)
                case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
                    raise NotPermitted("GraphQL", message)
                case "RATE_LIMITED" | "RATE_LIMIT":
                    raise RateLimited("GraphQL", self._now() + 60)
            raise Unprocessable("GraphQL", message)
        return body.body["data"]

    def request(
        self,
        method: Method,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = False,
        redirect: bool = False,
    ) -> Answer:
        """Send one request and return its 2xx answer, or with `redirect` its 302 as it is.

        A GET is repeated after 5xx and connection errors, `attempts` times in all. A write is repeated only when it was
        certainly not executed: never connected, refused by a rate limit, refused with 401 (once, with a fresh token) or
        answered by a temporary redirect (once). Raises the errors of `transport.errors`.
        """
        name = f"{method} {path.split('?')[0]}"
        writes = method != "GET"
        with self._gate.writing() if writes else nullcontext():
            said = None if body is None else {key: _redacted(value, self._redactor) for key, value in body.items()}
            return self._exchange(name, method, path, params, said, repeatable or not writes, redirect)

    def _exchange(
        self,
        name: str,
        method: Method,
        path: str,
        params: Mapping[str, str | int] | None,
        body: dict[str, Any] | None,
        repeatable: bool,
        redirect: bool,
    ) -> Answer:
        allowed_s = self._patience.wait_s
        failures = 0
        renewed = moved = False
        while True:
            allowed_s -= self._gate.wait(name, allowed_s)
            try:
                status, headers, text = self._requester().requestJson(
                    method, path, parameters=dict(params or {}), input=body
                )
                decoded = _decoded(status, text)
            except RuntimeError:
                # PyGithub's word for a 301 to another host or scheme; following it would hand over the token.
                raise ForgeError(name, "redirected to another host: correct the base URL") from None
            except (requests.RequestException, ValueError) as error:
                failures += 1
                executed = not _never_sent(error)
                if (executed and not repeatable) or failures >= self._patience.attempts:
                    raise ForgeUnavailable(name, _reason(error), maybe_written=executed and not repeatable) from None
                self._back_off(failures)
                continue
            if status >= 500:
                failures += 1
                if not repeatable or failures >= self._patience.attempts:
                    raise ForgeUnavailable(name, "GitHub failed", status=status, maybe_written=not repeatable)
                self._back_off(failures)
                continue
            if status == 401 and not renewed and self._renew():
                renewed = True
                continue
            message = str(decoded.get("message", "")) if isinstance(decoded, Mapping) else ""
            until = blocked_until(status, headers, message, self._now())
            if until is not None:
                failures += 1
                self._gate.block(until)
                if failures >= self._patience.attempts or until - self._now() > allowed_s:
                    raise RateLimited(name, until, status=status)
                continue
            if status in (307, 308) and not moved and headers.get("location"):
                path, params, moved = headers["location"], None, True
                continue
            if 200 <= status < 300 or (redirect and status == 302):
                return Answer(status, headers, decoded)
            raise refusal(name, status, decoded)

    def _requester(self) -> Requester:
        known: Requester | None = getattr(self._of_thread, "requester", None)
        if known is None:
            self._of_thread.auth = self._auth()
            known = Github(
                auth=self._of_thread.auth,
                base_url=self._base_url,
                timeout=self._patience.timeout_s,
                user_agent=USER_AGENT,
                per_page=PER_PAGE,
                retry=0,
                seconds_between_requests=0,
                seconds_between_writes=0,
            ).requester
            self._of_thread.requester = known
        return known

    def _renew(self) -> bool:
        auth = self._of_thread.auth
        if not isinstance(auth, InstallationAuth):
            return False
        auth.discard()
        return True

    def _back_off(self, failures: int) -> None:
        # Half of it by chance, so that workers which failed together do not come back together.
        self._sleep(_FIRST_BACKOFF_S * 2 ** (failures - 1) * random.uniform(0.5, 1.0))


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping):
        return {key: _redacted(inner, redactor) for key, inner in value.items()}
    return [_redacted(inner, redactor) for inner in value] if isinstance(value, (list, tuple)) else value


def _decoded(status: int, text: str) -> Any:
    """Return the JSON of an answer. A refusal may be an HTML page; a success that is no JSON raises ValueError."""
    if not text.strip() or status == 302:
        return None
    try:
        return json.loads(text)
    except ValueError:
        if status < 300:
            raise
        return {"message": text.strip()[:300]}


def _never_sent(error: Exception) -> bool:
    """Say whether the request certainly never left: no connection was made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return type(getattr(cause, "reason", None)).__name__ in ("NewConnectionError", "NameResolutionError")


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot connect" if _never_sent(error) else "the connection broke"
    return "the answer is not JSON"
