"""forges.github.probe, app_manifest, permissions and deliveries: what needs no GitHub to be judged."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.app import AppIdentity, GitHubApp, HookConfig, InstallationInfo, approved_part
from forges.github.app_manifest import NEEDED_EVENTS, build_manifest, convert_code, registration_url
from forges.github.deliveries import DeliveryAttempt, undelivered
from forges.github.permissions import NEEDED_PERMISSIONS, missing_permissions
from forges.github.probe import Facts, judge_setup, probe
from forges.github.transport import ForgeUnavailable, NotFound, Patience

from .line_server import FakeTime, LineServer, Say, private_key, refusing_url

GOOD = Facts(
    identity=AppIdentity(7, "forgehand", "Forgehand", NEEDED_PERMISSIONS, NEEDED_EVENTS),
    hook=HookConfig("https://f.example/hook", "json", True, False),
    installations=[InstallationInfo(1, "octo", NEEDED_PERMISSIONS, NEEDED_EVENTS, False, "all")],
    assignable={("octo/repo", "forgehand-bot"): True},
)


def judged(facts: Facts, hook_url: str | None = "https://f.example/hook", app_id: int = 7) -> list[tuple[str, str]]:
    return [(each.severity, each.subject) for each in judge_setup(facts, app_id=app_id, hook_url=hook_url)]


def test_all_is_well() -> None:
    findings = judge_setup(GOOD, app_id=7, hook_url="https://f.example/hook")
    assert {each.severity for each in findings} == {"ok"}
    assert [each.subject for each in findings] == ["app", "webhook", "installation octo", "assignee forgehand-bot"]


def changed(**parts: Any) -> Facts:
    return dataclasses.replace(GOOD, **parts)


@pytest.mark.parametrize(
    ("facts", "finding", "words"),
    [
        (
            changed(identity=dataclasses.replace(GOOD.identity, permissions=NEEDED_PERMISSIONS | {"checks": "read"})),
            ("error", "permissions"),
            "checks: write",
        ),
        (
            changed(identity=dataclasses.replace(GOOD.identity, events=NEEDED_EVENTS - {"issues"})),
            ("error", "events"),
            "issues",
        ),
        (changed(hook=HookConfig("", "json", True, False)), ("error", "webhook"), "no URL"),
        (changed(hook=HookConfig("https://o.example", "json", True, False)), ("error", "webhook"), "https://o.example"),
        (changed(hook=dataclasses.replace(GOOD.hook, has_secret=False)), ("error", "webhook secret"), "none"),
        (changed(hook=dataclasses.replace(GOOD.hook, insecure_ssl=True)), ("warning", "webhook"), "verified"),
        (changed(installations=[]), ("error", "installations"), "nowhere"),
        (
            changed(installations=[dataclasses.replace(GOOD.installations[0], suspended=True)]),
            ("warning", "installation octo"),
            "suspended",
        ),
        (
            changed(installations=[dataclasses.replace(GOOD.installations[0], permissions={"metadata": "read"})]),
            ("warning", "installation octo"),
            "contents: write",
        ),
        (changed(assignable={("o/r", "bot"): False}), ("warning", "assignee bot"), "cannot be assigned in o/r"),
    ],
)
def test_each_fault_is_named_with_what_to_do(facts: Facts, finding: tuple[str, str], words: str) -> None:
    findings = judge_setup(facts, app_id=7, hook_url="https://f.example/hook")
    found = [each for each in findings if (each.severity, each.subject) == finding]
    assert len(found) == 1
    assert words in found[0].message
    assert found[0].remedy
    assert found[0] is findings[0], "errors and warnings come first"


def test_the_key_of_another_app() -> None:
    assert judged(GOOD, app_id=8)[0] == ("error", "app")


def test_an_unknown_hook_url_is_not_compared() -> None:
    assert ("ok", "webhook") in judged(GOOD, hook_url=None)


def test_trouble_with_github_is_a_finding() -> None:
    clock = FakeTime()
    key = private_key()
    with refusing_url() as url:
        app = GitHubApp(url, 7, key, patience=Patience(attempts=1), now=clock.now, sleep=clock.sleep)
        findings = probe(app, hook_url=None)
    assert [(each.severity, each.subject) for each in findings] == [("error", "github")]
    assert url in findings[0].remedy
    with LineServer([Say(401, {"message": "A JSON web token could not be decoded"})]) as server:
        app = GitHubApp(server.url, 7, key, now=clock.now, sleep=clock.sleep)
        findings = probe(app, hook_url=None)
    assert [(each.severity, each.subject) for each in findings] == [("error", "credentials")]
    assert key[100:200] not in repr(app)


# Permissions


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ({"a": "write", "b": "read"}, {}),
        ({"a": "admin", "b": "write"}, {}),
        ({"a": "read", "b": "read"}, {"a": "write"}),
        ({"a": "odd"}, {"a": "write", "b": "read"}),
        ({}, {"a": "write", "b": "read"}),
    ],
)
def test_missing_permissions(granted: dict[str, str], missing: dict[str, str]) -> None:
    assert missing_permissions(granted, {"a": "write", "b": "read"}) == missing


levels = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["read", "write"]))


@given(levels, levels)
def test_the_approved_part_never_asks_for_more_than_wanted_or_granted(
    wanted: dict[str, str], granted: dict[str, str]
) -> None:
    part = approved_part(wanted, granted)
    assert missing_permissions(wanted, part) == {}
    assert missing_permissions(granted, part) == {}
    assert part.keys() == wanted.keys() & granted.keys()


# The manifest


def test_the_manifest() -> None:
    manifest = build_manifest(
        name="Forgehand at Octo",
        homepage_url="https://f.example",
        hook_url="https://f.example/hook",
        redirect_url="https://f.example/setup/done",
    )
    assert manifest["default_permissions"] == NEEDED_PERMISSIONS
    assert "issues" in manifest["default_events"]
    assert not {"installation", "installation_repositories"} & set(manifest["default_events"])
    assert manifest["public"] is False


@pytest.mark.parametrize(("name", "url"), [("x", "http://f.example"), ("", "https://f"), ("x" * 35, "https://f")])
def test_what_github_would_refuse_is_refused_here(name: str, url: str) -> None:
    with pytest.raises(ValueError, match=r"https|characters"):
        build_manifest(name=name, homepage_url="https://f", hook_url=url, redirect_url="https://f")


def test_registration_urls() -> None:
    assert registration_url("https://github.com/", "a b") == "https://github.com/settings/apps/new?state=a%20b"
    assert registration_url("https://h", "s", "octo") == "https://h/organizations/octo/settings/apps/new?state=s"


CREDENTIALS = {
    "id": 7,
    "slug": "forgehand",
    "html_url": "https://github.com/apps/forgehand",
    "pem": "-----BEGIN RSA PRIVATE KEY-----secret",
    "webhook_secret": "hook-secret",
    "client_id": "Iv1.x",
    "client_secret": "client-secret",
}


def test_the_code_is_exchanged_without_credentials() -> None:
    with LineServer([Say(201, CREDENTIALS)]) as server:
        credentials = convert_code(server.url, "a/../b")
    assert (server.heard[0].path, server.heard[0].authorization) == ("/app-manifests/a%2F..%2Fb/conversions", "")
    assert (credentials.app_id, credentials.webhook_secret) == (7, "hook-secret")
    assert "secret" not in repr(credentials).replace("webhook_secret", "").replace("client_secret", "")


def test_a_used_code_and_a_lost_answer() -> None:
    with LineServer([Say(404, {"message": "Not Found"}), Say(cut=True)]) as server:
        with pytest.raises(NotFound):
            convert_code(server.url, "used")
        with pytest.raises(ForgeUnavailable) as caught:
            convert_code(server.url, "lost")
    assert caught.value.maybe_written


# Deliveries

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def attempt(number: int, guid: str, code: int, minutes: int) -> DeliveryAttempt:
    return DeliveryAttempt(number, guid, NOON + timedelta(minutes=minutes), code, "issues", "opened", 1)


def test_what_never_arrived() -> None:
    attempts = [
        attempt(6, "c", 0, 6),
        attempt(5, "b", 500, 5),
        attempt(4, "a", 202, 4),
        attempt(3, "b", 0, 3),
        attempt(2, "d", 200, 2),
        attempt(1, "a", 502, 1),
    ]
    assert [each.id for each in undelivered(attempts)] == [5, 6]


@given(
    st.lists(
        st.builds(
            attempt, st.integers(1, 99), st.sampled_from("abc"), st.sampled_from([0, 202, 500]), st.integers(0, 9)
        )
    )
)
def test_each_delivery_is_asked_for_once_and_never_after_success(attempts: list[DeliveryAttempt]) -> None:
    missing = undelivered(attempts)
    assert len({each.guid for each in missing}) == len(missing)
    assert {each.guid for each in missing} == {each.guid for each in attempts} - {
        each.guid for each in attempts if each.succeeded
    }
