"""forges.github.transport against a real HTTP server that misbehaves on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from github.Auth import Auth, Token

from forges.github.redaction import Redactor
from forges.github.transport import (
    BadCredentials,
    Channel,
    Conflict,
    ForgeError,
    ForgeUnavailable,
    Gate,
    InstallationAuth,
    InstallationToken,
    NotFound,
    NotPermitted,
    Patience,
    RateLimited,
    TokenSource,
    Unprocessable,
)
from forges.github.transport.limits import blocked_until

from .line_server import FakeTime, LineServer, Say, refusing_url

SECRET = "ghs_" + "s3cr3t" * 6


def channel(
    url: str,
    clock: FakeTime,
    *,
    auth: Callable[[], Auth] | None = None,
    patience: Patience = Patience(timeout_s=5, wait_s=30, attempts=3),  # noqa: B008  # frozen
    spacing_s: float = 0.0,
) -> Channel:
    gate = Gate(spacing_s, now=clock.now, sleep=clock.sleep)
    return Channel(url, auth or (lambda: Token(SECRET)), gate, patience, now=clock.now, sleep=clock.sleep)


def talk(lines: list[Say], do: Callable[[Channel], Any], **options: Any) -> tuple[Any, LineServer, FakeTime]:
    """Return what `do` returned (or the ForgeError it raised), the server and the clock."""
    clock = FakeTime()
    with LineServer(lines) as server:
        try:
            result = do(channel(server.url, clock, **options))
        except ForgeError as error:
            result = error
    return result, server, clock


def get(each: Channel) -> Any:
    return each.get("/repos/o/r")


def post(each: Channel) -> Any:
    return each.post("/repos/o/r/issues/1/comments", {"body": "x"})


def patch(each: Channel) -> Any:
    return each.patch("/repos/o/r/issues/comments/1", {"body": "x"})


BROKEN = [Say(502, "<html>bad gateway</html>"), Say(503, {"message": "busy"}), Say(cut=True), Say(200, "no json")]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_read_is_repeated_with_growing_pauses(fault: Say) -> None:
    result, server, clock = talk([fault, fault, Say(200, {"a": 1})], get)
    assert result == {"a": 1}
    assert server.methods == ["GET"] * 3
    assert len(clock.slept) == 2
    assert 0.125 <= clock.slept[0] <= 0.25 <= clock.slept[1] <= 0.5


@pytest.mark.parametrize("fault", BROKEN)
def test_a_read_is_given_up_after_the_attempts_allowed(fault: Say) -> None:
    result, server, _ = talk([fault] * 9, get)
    assert isinstance(result, ForgeUnavailable)
    assert not result.maybe_written
    assert len(server.heard) == 3


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("write", [post, patch])
def test_a_write_is_sent_once_and_its_doubt_is_told(fault: Say, write: Callable[[Channel], Any]) -> None:
    result, server, _ = talk([fault, Say(201, {"id": 1})], write)
    assert isinstance(result, ForgeUnavailable)
    assert result.maybe_written
    assert "look before writing again" in str(result)
    assert len(server.heard) == 1


def test_a_write_that_hangs_ends_in_doubt_after_the_time_limit() -> None:
    result, server, _ = talk([Say(hang=True)], post, patience=Patience(timeout_s=1, attempts=3))
    assert isinstance(result, ForgeUnavailable)
    assert result.maybe_written
    assert "no answer in time" in str(result)
    assert len(server.heard) == 1


def test_a_repeatable_write_is_repeated() -> None:
    result, server, _ = talk(
        [Say(502), Say(201, {"id": 1})], lambda each: each.post("/x", {"content": "eyes"}, repeatable=True)
    )
    assert result == {"id": 1}
    assert len(server.heard) == 2


@pytest.mark.parametrize("do", [get, post])
def test_where_nobody_listens_nothing_was_written(do: Callable[[Channel], Any]) -> None:
    clock = FakeTime()
    with refusing_url() as url, pytest.raises(ForgeUnavailable, match="cannot connect") as caught:
        do(channel(url, clock))
    assert not caught.value.maybe_written
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Unprocessable),
        (401, BadCredentials),
        (403, NotPermitted),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (418, ForgeError),
        (422, Unprocessable),
        (451, NotPermitted),
    ],
)
@pytest.mark.parametrize("do", [get, post])
def test_a_refusal_is_final(status: int, kind: type[ForgeError], do: Callable[[Channel], Any]) -> None:
    result, server, _ = talk([Say(status, {"message": "No such luck"})], do)
    assert type(result) is kind
    assert result.status == status
    assert "No such luck" in str(result)
    assert len(server.heard) == 1


def test_the_details_of_a_validation_error() -> None:
    errors = [
        {"resource": "PullRequest", "code": "custom", "message": "A pull request already exists"},
        {"resource": "Issue", "field": "title", "code": "missing_field"},
        "a sentence",
    ]
    result, _, _ = talk([Say(422, {"message": "Validation Failed", "errors": errors})], post)
    assert isinstance(result, Unprocessable)
    assert result.details == ("A pull request already exists", "Issue title missing_field", "a sentence")
    assert "already exists" in str(result)


def test_a_secret_in_githubs_answer_is_not_repeated() -> None:
    result, _, _ = talk([Say(422, {"message": f"bad {SECRET}", "errors": [SECRET]})], post)
    assert SECRET not in f"{result} {result!r} {result.details}"


def test_no_text_of_a_request_carries_a_secret() -> None:
    body = {
        "body": f"the token is {SECRET}",
        "output": {"summary": "known: hunter2hunter2", "annotations": [{"message": SECRET, "start_line": 3}]},
        "ok": True,
        "labels": ("a", SECRET),
    }
    clock = FakeTime()
    with LineServer([Say(201, {})]) as server:
        gate = Gate(0.0)
        redactor = Redactor(["hunter2hunter2"])
        Channel(server.url, lambda: Token(SECRET), gate, Patience(), redactor=redactor, now=clock.now).post("/x", body)
    assert server.heard[0].body == {
        "body": "the token is [redacted]",
        "output": {"summary": "known: [redacted]", "annotations": [{"message": "[redacted]", "start_line": 3}]},
        "ok": True,
        "labels": ["a", "[redacted]"],
    }


# Rate limits


@pytest.mark.parametrize(
    ("status", "headers", "message", "until"),
    [
        (403, {}, "Resource not accessible by integration", None),
        (403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1060"}, "Forbidden", None),
        (404, {"retry-after": "5"}, "", None),
        (500, {"retry-after": "5"}, "", None),
        (403, {"retry-after": "5"}, "", 1005.0),
        (429, {"retry-after": "0"}, "", 1000.0),
        (429, {"retry-after": "soon"}, "", 1060.0),
        (429, {}, "", 1060.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, "", 1031.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "10"}, "", 1001.0),
        (403, {"x-ratelimit-remaining": "0"}, "API rate limit exceeded for installation", 1060.0),
        (403, {}, "You have exceeded a secondary rate limit", 1060.0),
        (403, {}, "You have triggered an abuse detection mechanism", 1060.0),
        (429, {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999"}, "", 1005.0),
    ],
)
def test_reading_a_rate_limit(status: int, headers: dict[str, str], message: str, until: float | None) -> None:
    assert blocked_until(status, headers, message, 1000.0) == until


SECONDARY = Say(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "7"})


@pytest.mark.parametrize("do", [get, post, patch])
def test_a_short_limit_is_waited_out_even_for_writes(do: Callable[[Channel], Any]) -> None:
    result, server, clock = talk([SECONDARY, Say(200, {"id": 1})], do)
    assert result == {"id": 1}
    assert len(server.heard) == 2
    assert clock.slept == [7.0]


def test_a_long_limit_is_told_instead_of_waited_for() -> None:
    answer = Say(
        403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1003600"}
    )
    result, server, clock = talk([answer], post)
    assert isinstance(result, RateLimited)
    assert result.until == 1_003_601.0
    assert clock.slept == []
    assert len(server.heard) == 1


def test_while_blocked_nothing_is_sent() -> None:
    def twice(each: Channel) -> Any:
        with pytest.raises(RateLimited):
            post(each)
        return get(each)

    result, server, _ = talk([Say(429, {"message": "slow down"}, {"Retry-After": "3600"})], twice)
    assert isinstance(result, RateLimited)
    assert len(server.heard) == 1


def test_waits_are_limited_in_all_not_each() -> None:
    result, server, clock = talk([Say(429, None, {"Retry-After": "20"})] * 5, get)
    assert isinstance(result, RateLimited)
    assert clock.slept == [20.0]
    assert len(server.heard) == 2


def test_writes_are_spaced_and_reads_are_not() -> None:
    def do(each: Channel) -> Any:
        for _ in range(3):
            get(each)
            post(each)

    _, server, clock = talk([Say(200, {})] * 6, do, spacing_s=1.0)
    assert len(server.heard) == 6
    assert clock.slept == [1.0, 1.0]


def test_a_failed_write_keeps_the_spacing_too() -> None:
    def do(each: Channel) -> Any:
        with pytest.raises(Unprocessable):
            post(each)
        return post(each)

    _, _, clock = talk([Say(422, {}), Say(201, {})], do, spacing_s=1.0)
    assert clock.slept == [1.0]


def test_one_write_at_a_time_among_threads() -> None:
    gate = Gate(0.0)
    inside = 0
    most = 0
    start = threading.Barrier(8)

    def write() -> None:
        nonlocal inside, most
        start.wait()
        for _ in range(50):
            with gate.writing():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)


# Tokens


class Mint:
    """Mints numbered tokens that live for an hour of the fake clock."""

    def __init__(self, clock: FakeTime) -> None:
        self.clock = clock
        self.count = 0

    def __call__(self) -> InstallationToken:
        self.count += 1
        return InstallationToken(f"ghs_{self.count:036d}", self.clock.now() + 3600)


def test_a_token_is_kept_and_renewed_before_it_expires() -> None:
    clock = FakeTime()
    mint = Mint(clock)
    source = TokenSource(mint, now=clock.now)
    first = source.current()
    clock.time += 3299
    assert source.current() is first
    clock.time += 1
    assert source.current() is not first
    assert mint.count == 2


def test_a_refused_token_is_renewed_once_whatever_the_method() -> None:
    for do in (get, post, patch):
        clock = FakeTime()
        source = TokenSource(Mint(clock), now=clock.now)
        result, server, _ = talk(
            [Say(401, {"message": "Bad credentials"}), Say(200, {"id": 1})],
            do,
            auth=lambda s=source: InstallationAuth(s),
        )
        assert result == {"id": 1}
        assert [heard.authorization[-1] for heard in server.heard] == ["1", "2"]


def test_a_fresh_token_refused_too_is_final() -> None:
    clock = FakeTime()
    mint = Mint(clock)
    source = TokenSource(mint, now=clock.now)
    result, server, _ = talk([Say(401, {"message": "Bad credentials"})] * 3, get, auth=lambda: InstallationAuth(source))
    assert isinstance(result, BadCredentials)
    assert (len(server.heard), mint.count) == (2, 2)


def test_discarding_an_old_token_keeps_the_new_one() -> None:
    clock = FakeTime()
    mint = Mint(clock)
    source = TokenSource(mint, now=clock.now)
    old = source.current().value
    source.discard(old)
    new = source.current()
    source.discard(old)
    assert source.current() is new


def test_threads_share_one_token() -> None:
    clock = FakeTime()
    mint = Mint(clock)
    source = TokenSource(mint, now=clock.now)
    start = threading.Barrier(8)
    values: list[str] = []

    def ask() -> None:
        start.wait()
        values.append(source.current().value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (mint.count, len(set(values))) == (1, 1)


def test_no_repr_shows_a_token() -> None:
    source = TokenSource(lambda: InstallationToken(SECRET, 2e9))
    auth = InstallationAuth(source)
    assert auth.token == SECRET
    assert SECRET not in f"{source.current()!r} {source!r} {auth!r} {auth._masked_token}"


def test_no_log_at_any_level_holds_a_token_or_a_body(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "github.Requester", "urllib3", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    talk([Say(201, {"token": SECRET}), Say(200, {})], lambda each: (post(each), get(each)))
    assert any(record.name.startswith("urllib3") for record in caplog.records), "nothing was captured at all"
    assert SECRET not in caplog.text


# Pages, redirects, GraphQL


def test_pages_follow_the_links() -> None:
    lines = [
        Say(200, {"items": [1, 2]}, {"Link": '<SELF/things?page=2>; rel="next", <SELF/things?page=3>; rel="last"'}),
        Say(200, {"items": [3]}, {"Link": '<SELF/things?page=1>; rel="prev"'}),
    ]
    result, server, _ = talk(lines, lambda each: list(each.pages("/things", {"state": "open"}, key="items")))
    assert result == [1, 2, 3]
    assert [heard.path for heard in server.heard] == ["/things?per_page=100&state=open", "/things?page=2"]


def test_a_link_to_another_host_never_gets_the_token() -> None:
    lines = [Say(200, [1], {"Link": '<http://evil.example/things?page=2>; rel="next"'}), Say(200, [2])]
    result, server, _ = talk(lines, lambda each: list(each.pages("/things")))
    assert result == [1, 2]
    assert len(server.heard) == 2


def test_a_list_longer_than_expected_is_an_error() -> None:
    result, _, _ = talk([Say(200, [1, 2, 3])], lambda each: list(each.pages("/things", limit=2)))
    assert isinstance(result, ForgeError)
    assert "more than 2" in str(result)


def test_pages_are_read_as_they_are_needed() -> None:
    lines = [Say(200, [1, 2], {"Link": '<SELF/things?page=2>; rel="next"'})]
    result, server, _ = talk(lines, lambda each: next(each.pages("/things")))
    assert result == 1
    assert len(server.heard) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_to_a_moved_repository_follows_once(status: int) -> None:
    moved = Say(status, {"message": "Moved"}, {"Location": "SELF/repositories/1/issues/1/comments"})
    result, server, _ = talk([moved, Say(201, {"id": 1})], post)
    assert result == {"id": 1}
    assert server.heard[1].path == "/repositories/1/issues/1/comments"
    assert server.heard[1].body == {"body": "x"}
    result, server, _ = talk([moved, moved], post)
    assert type(result) is ForgeError
    assert len(server.heard) == 2


def test_a_redirect_to_another_host_is_not_followed() -> None:
    moved = Say(301, {"message": "Moved"}, {"Location": "http://evil.example/repos/o/r"})
    result, server, _ = talk([moved], get)
    assert type(result) is ForgeError
    assert "correct the base URL" in str(result)
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NOT_FOUND", NotFound),
        ("FORBIDDEN", NotPermitted),
        ("RATE_LIMITED", RateLimited),
        ("UNPROCESSABLE", Unprocessable),
        (None, Unprocessable),
    ],
)
def test_graphql_errors_come_with_status_200(kind: str | None, expected: type[ForgeError]) -> None:
    result, _, _ = talk([Say(200, {"errors": [{"type": kind, "message": "no"}]})], lambda each: each.graphql("q", {}))
    assert type(result) is expected


def test_graphql_data() -> None:
    result, server, _ = talk([Say(200, {"data": {"a": 1}})], lambda each: each.graphql("query", {"n": 1}))
    assert result == {"a": 1}
    assert (server.heard[0].path, server.heard[0].body) == ("/graphql", {"query": "query", "variables": {"n": 1}})


def test_each_thread_has_its_own_connections() -> None:
    clock = FakeTime()
    with LineServer([Say(200, {"n": 1})] * 40) as server:
        shared = channel(server.url, clock)
        results: list[Any] = []
        threads = [threading.Thread(target=lambda: results.extend(get(shared) for _ in range(5))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [{"n": 1}] * 40
