"""Deliveries: signed, logged, sent again on request, and troubled on request."""

import json
import urllib.parse
from typing import Any

import github
import pytest

from demo.github import Person, Stage, Twin
from demo.github.deliveries import Knobs, encode, sign
from tests.demo.conftest import DEADLINE_S, Receiver, until


def deliveries(integration: github.GithubIntegration, query: str = "") -> tuple[dict[str, Any], list[Any]]:
    headers, body = integration.requester.requestJsonAndCheck("GET", f"/app/hook/deliveries{query}")
    return headers, body


def test_the_signature_is_the_documented_one() -> None:
    # the example of GitHub's "Validating webhook deliveries"
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign("It's a Secret to Everybody", b"Hello, World!") == expected


def test_a_delivery_carries_githubs_headers(maria: Person, stage: Stage, receiver: Receiver) -> None:
    maria.comment(stage.repository, 1, "Grüße")
    (one,) = receiver.wait("issue_comment.created")
    assert one.headers["x-hub-signature-256"] == sign(stage.webhook_secret, one.raw)
    assert one.headers["x-github-hook-installation-target-id"] == str(stage.app_id)
    assert one.headers["x-github-hook-installation-target-type"] == "integration"
    assert one.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert one.headers["content-type"] == "application/json"
    assert len(one.headers["x-github-delivery"]) == 36


def test_the_form_encoding(maria: Person, stage: Stage, receiver: Receiver, integration: Any) -> None:
    integration.requester.requestJsonAndCheck("PATCH", "/app/hook/config", input={"content_type": "form"})
    maria.comment(stage.repository, 1, "Grüße & mehr")
    until(lambda: receiver.got, "a delivery")
    (one,) = receiver.got
    assert one.headers["content-type"] == "application/x-www-form-urlencoded"
    assert one.headers["x-hub-signature-256"] == sign(stage.webhook_secret, one.raw)
    payload = json.loads(urllib.parse.parse_qs(one.raw.decode())["payload"][0])
    assert payload["comment"]["body"] == "Grüße & mehr"
    assert integration.requester.requestJsonAndCheck("GET", "/app/hook/config")[1]["content_type"] == "form"


def test_encoding_is_the_payload() -> None:
    payload = {"a": "ü&="}
    assert json.loads(encode(payload, "json")[1]) == payload
    assert urllib.parse.parse_qs(encode(payload, "form")[1].decode()) == {"payload": ['{"a":"\\u00fc&="}']}


def test_a_failed_delivery_is_logged_and_not_tried_again(
    maria: Person, stage: Stage, receiver: Receiver, integration: Any, twin: Twin
) -> None:
    receiver.status = 500
    maria.comment(stage.repository, 1, "x")
    assert twin.postman.wait_idle(DEADLINE_S)
    assert len(receiver.got) == 1
    _, (item,) = deliveries(integration)
    assert (item["status_code"], item["status"], item["redelivery"]) == (500, "Invalid HTTP Response: 500", False)
    _, failed = deliveries(integration, "?status=failure")
    assert [one["id"] for one in failed] == [item["id"]]
    assert deliveries(integration, "?status=success")[1] == []
    _, whole = integration.requester.requestJsonAndCheck("GET", f"/app/hook/deliveries/{item['id']}")
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == item["guid"]
    assert whole["request"]["payload"]["comment"]["body"] == "x"


def test_a_redelivery_keeps_the_guid(
    maria: Person, stage: Stage, receiver: Receiver, integration: Any, twin: Twin
) -> None:
    receiver.status = 503
    maria.comment(stage.repository, 1, "x")
    assert twin.postman.wait_idle(DEADLINE_S)
    receiver.status = 202
    _, (item,) = deliveries(integration)
    integration.requester.requestJsonAndCheck("POST", f"/app/hook/deliveries/{item['id']}/attempts")
    first, second = receiver.wait("issue_comment.created", 2)
    assert first.headers["x-github-delivery"] == second.headers["x-github-delivery"]
    assert first.raw == second.raw
    assert twin.postman.wait_idle(DEADLINE_S)
    _, items = deliveries(integration)
    assert [(one["redelivery"], one["status"]) for one in items] == [
        (True, "OK"),
        (False, "Invalid HTTP Response: 503"),
    ]
    with pytest.raises(github.UnknownObjectException):
        integration.requester.requestJsonAndCheck("POST", "/app/hook/deliveries/1/attempts")


def test_nobody_listening_is_logged(maria: Person, stage: Stage, twin: Twin, integration: Any) -> None:
    twin.controls().hook("http://127.0.0.1:9/")
    maria.comment(stage.repository, 1, "x")
    assert twin.postman.wait_idle(DEADLINE_S)
    _, (item,) = deliveries(integration)
    assert (item["status"], item["status_code"]) == ("failed to connect to host", 502)


def test_deliveries_come_in_pages_by_cursor(
    maria: Person, stage: Stage, receiver: Receiver, integration: Any, twin: Twin
) -> None:
    for number in range(5):
        maria.comment(stage.repository, 1, str(number))
    assert twin.postman.wait_idle(DEADLINE_S)
    seen: list[int] = []
    query = "?per_page=2"
    while query:
        headers, items = deliveries(integration, query)
        seen += [one["id"] for one in items]
        link = headers.get("link", "")
        query = link[link.index("?") : link.index(">")] if link else ""
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5
    with pytest.raises(github.GithubException) as refused:
        deliveries(integration, "?cursor=nonsense")
    assert refused.value.status == 400


def test_copies_and_shuffling(maria: Person, stage: Stage, receiver: Receiver, twin: Twin) -> None:
    twin.controls().knobs(copies=5, shuffle=50, seed=3)
    for number in range(8):
        maria.comment(stage.repository, 1, str(number))
    receiver.wait("issue_comment.created", 40)
    guids = [one.headers["x-github-delivery"] for one in receiver.got]
    assert {guids.count(guid) for guid in guids} == {5}
    bodies = [one.payload["comment"]["body"] for one in receiver.got]
    assert bodies != sorted(bodies)
    twin.controls().knobs()
    maria.comment(stage.repository, 1, "alone")
    assert twin.postman.wait_idle(DEADLINE_S)
    assert len(receiver.got) == 41


def test_losing_is_logged_as_failed(maria: Person, stage: Stage, receiver: Receiver, twin: Twin) -> None:
    twin.postman.turn(Knobs(lose=1.0))
    maria.comment(stage.repository, 1, "x")
    assert twin.postman.wait_idle(DEADLINE_S)
    assert receiver.got == []
    (one,) = twin.controls().deliveries()
    assert one["status"] == "failed to connect to host"


def test_an_app_hears_only_what_it_subscribed_to(maria: Person, stage: Stage, receiver: Receiver, twin: Twin) -> None:
    twin.world.installations[stage.installation_id].events = ["issues"]
    maria.comment(stage.repository, 1, "unheard")
    maria.label(stage.repository, 1, "bug", "documentation")
    assert twin.postman.wait_idle(DEADLINE_S)
    assert receiver.names() == ["issues.labeled"]


def test_installation_and_ping(twin: Twin, stage: Stage, receiver: Receiver) -> None:
    held = twin.world.installations[stage.installation_id]
    for action in ("created", "suspend", "unsuspend", "deleted"):
        with twin.world.lock:
            twin.courier.installation(action, held, "maria")
        (told,) = receiver.wait(f"installation.{action}")
        assert told.payload["installation"]["id"] == stage.installation_id
    with twin.world.lock:
        twin.courier.ping(twin.world.apps[stage.app_id])
    (ping,) = receiver.wait("ping")
    assert ping.payload["hook"]["app_id"] == stage.app_id
