"""The validator really objects, every described operation is handled, and the pruning script keeps what is needed."""

import json
from typing import Any

import pytest

from demo.github import rest, routing
from demo.openapi import Exchange, Validator
from demo.openapi.operations import OPERATIONS
from demo.openapi.prune import plain_schema, prune
from demo.openapi.validate import DESCRIPTION

LABEL = {
    "id": 1,
    "node_id": "LA_1",
    "url": "http://127.0.0.1/repos/o/r/labels/bug",
    "name": "bug",
    "description": None,
    "color": "ff0000",
    "default": True,
}


def exchange(**changed: Any) -> Exchange:
    body = json.dumps(changed.pop("answer", LABEL)).encode()
    headers = {"content-type": changed.pop("kind", "application/json; charset=utf-8")}
    asked = json.dumps(changed.pop("asked")).encode() if "asked" in changed else b""
    given: dict[str, Any] = {"method": "GET", "path": "/repos/o/r/labels/bug", "query": "", "status": 200, **changed}
    return Exchange(request_body=asked, response_headers=headers, response_body=body, **given)


def test_a_good_exchange(validator: Validator) -> None:
    assert validator.exchange(exchange()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"answer": {k: v for k, v in LABEL.items() if k != "color"}}, '"color" is a required property'),
        ({"answer": {**LABEL, "id": "1"}}, 'is not of type "integer"'),
        ({"answer": {**LABEL, "url": "not a link"}}, 'is not a "uri"'),
        ({"path": "/repos/o/r/nothing"}, "is not in the description"),
        ({"method": "PUT"}, "is not in the description"),
        ({"status": 299}, "299 is not described"),
        ({"status": 404, "answer": {"message": 4}}, 'is not of type "string"'),
        ({"query": "colour=red"}, "is not a parameter"),
        ({"kind": "text/html"}, "has content type text/html"),
        ({"asked": {"a": 1}}, "has a body where none is described"),
        ({"path": "/repos/o/r/issues/x", "answer": {}}, 'is not of type "integer"'),
        ({"method": "POST", "path": "/repos/o/r/labels", "status": 201, "asked": {}}, '"name" is a required property'),
        ({"method": "POST", "path": "/repos/o/r/labels", "status": 201}, "has no body"),
    ],
)
def test_differences_are_found(validator: Validator, changed: dict[str, Any], said: str) -> None:
    found = validator.exchange(exchange(**changed))
    assert any(said in violation.message for violation in found), found


def test_refused_requests_may_be_wrong(validator: Validator) -> None:
    refused = exchange(
        method="POST", path="/repos/o/r/labels", status=422, asked={}, answer={"message": "m", "documentation_url": "u"}
    )
    assert validator.exchange(refused) == []


def test_webhooks_are_checked(validator: Validator) -> None:
    headers = dict.fromkeys(("User-Agent", "X-GitHub-Event", "X-GitHub-Delivery", "X-GitHub-Hook-ID"), "x")
    found = validator.webhook("issues", {"action": "assigned"}, headers)
    assert {violation.part for violation in found} == {"headers", "payload"}
    assert any('"issue" is a required property' in violation.message for violation in found)
    assert validator.webhook("issues", {"action": "exploded"}, headers)[0].message == "is not in the description"


def test_every_described_operation_has_a_handler_and_the_other_way_round() -> None:
    assert rest.__all__
    handled = {(one.template, one.method.lower()) for one in routing.ROUTES}
    described = {(path, method) for path, methods in OPERATIONS.items() for method in methods}
    assert described - handled == set()
    extra = {"/graphql", "/repos/{owner}/{repo}/statuses/{ref}", "/repos/{owner}/{repo}/contents"}
    assert {path for path, _ in handled - described} <= extra


def test_the_description_names_its_source() -> None:
    data = json.loads(DESCRIPTION.read_text())
    assert data["source"].startswith("@octokit/openapi@")
    assert set(data["paths"]) == set(OPERATIONS)
    assert DESCRIPTION.stat().st_size < 1_500_000


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ({"type": "string", "nullable": True, "description": "x"}, {"type": ["string", "null"]}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        (
            {"allOf": [{"type": "object"}], "nullable": True},
            {"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]},
        ),
        (
            {"type": "object", "properties": {"description": {"type": "string", "example": "x"}, "title": {}}},
            {"type": "object", "properties": {"description": {"type": "string"}, "title": {}}},
        ),
        ({"type": "array", "items": {"type": "string", "title": "x"}}, {"type": "array", "items": {"type": "string"}}),
        ({"additionalProperties": {"description": "x"}}, {"additionalProperties": {}}),
        ({"nullable": True}, {}),
        (True, True),
    ],
)
def test_schemas_become_plain(schema: Any, plain: Any) -> None:
    assert plain_schema(schema) == plain


def test_pruning_keeps_what_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.openapi.prune.OPERATIONS", {"/a": ("get",)})
    monkeypatch.setattr("demo.openapi.prune.WEBHOOKS", ("ping",))
    reference = {"$ref": "#/components/schemas/used"}
    answer = {"description": "ok", "content": {"application/json": {"schema": reference, "examples": {}}}}
    description = {
        "paths": {
            "/a": {
                "get": {
                    "operationId": "a",
                    "parameters": [{"$ref": "#/components/parameters/p"}],
                    "responses": {"200": answer},
                }
            },
            "/b": {},
        },
        "x-webhooks": {
            "ping": {
                "post": {
                    "parameters": [],
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                }
            }
        },
        "components": {
            "parameters": {"p": {"name": "p", "in": "query", "schema": {"type": "integer"}}},
            "schemas": {"used": {"properties": {"self": reference}}, "unused": {}},
        },
    }
    made = prune(description)
    assert made["schemas"] == {"used": {"properties": {"self": reference}}}
    assert made["paths"]["/a"]["get"]["parameters"] == [
        {"name": "p", "in": "query", "required": False, "schema": {"type": "integer"}}
    ]
    assert made["webhooks"] == {"ping": {"headers": [], "payload": {"type": "object"}}}
