"""What reaches Sentry: every error with its task, and none of the data around it.

The real SDK with a transport that keeps what it is given; canaries are planted wherever an application holds data.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import celery
import celery.signals
import httpx
import pytest
import sentry_sdk
import structlog
from fastapi import FastAPI, Request
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from observability import init_sentry, init_sentry_in_worker, reporting_model_errors, task_context
from observability.redaction import Redactor
from observability.sentry import WITHHELD, Role, Scrubber
from tests.app.serving import serving

DSN = "https://public@127.0.0.1/1"
CANARY = "canary-9f2c"
SECRET = "a-known-secret-of-this-process"


class Kept(Transport):
    """Keeps the envelopes, as the bytes that would go over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[bytes] = []
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.raw.append(envelope.serialize())
        for item in envelope.items:
            if item.headers.get("type") in ("event", "transaction"):
                self.events.append(json.loads(item.get_bytes()))

    def only(self, kind: str) -> dict[str, Any]:
        """The one event whose exception has this type; nothing anywhere may hold a canary."""
        sentry_sdk.flush()
        whole = b"".join(self.raw)
        assert CANARY.encode() not in whole
        assert SECRET.encode() not in whole
        (event,) = [one for one in self.events if _types(one)[-1:] == [kind]]
        return event


def _types(event: dict[str, Any]) -> list[str]:
    return [one["type"] for one in event.get("exception", {}).get("values", [])]


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield Kept()
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_global_scope().clear()


def start(kept: Kept, role: Role) -> None:
    assert init_sentry(DSN, role=role, secrets=[SECRET], transport=kept, release="1", environment="test")


def test_nothing_is_sent_without_an_address() -> None:
    assert not init_sentry("", role="web")
    assert not sentry_sdk.is_initialized()


def test_an_error_in_a_request_arrives_without_the_request(kept: Kept) -> None:
    start(kept, "web")
    app = FastAPI()

    @app.post("/things/{name}")
    async def fail(request: Request, name: str) -> None:
        body = await request.body()
        with task_context("68f1c0a2b3d4", stage="proving"):
            raise ValueError(f"cannot read {body!r}")

    with serving(app) as client:
        answer = client.post(
            f"/things/{CANARY}?q={CANARY}",
            content=CANARY,
            headers={"x-hub-signature-256": CANARY, "cookie": f"a={CANARY}", "authorization": f"Bearer {SECRET}"},
        )
    assert answer.status_code == 500
    event = kept.only("ValueError")
    assert event["tags"] == {"role": "web", "task_id": "68f1c0a2b3d4", "stage": "proving"}
    assert event["exception"]["values"][-1]["value"] == WITHHELD
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "fail"
    assert "request" not in event


def test_an_error_in_a_task_arrives_with_its_id_and_without_its_arguments(kept: Kept) -> None:
    start(kept, "worker")
    app = celery.Celery("test", broker="memory://")
    app.conf.task_always_eager = True

    @app.task  # type: ignore[untyped-decorator]  # celery has no types
    def advance(diff: str) -> None:
        with task_context("68f1c0a2b3d4", stage="proving"):
            local = diff * 2
            structlog.get_logger("x").info("about to fail", diff=local)
            raise RuntimeError(local)

    advance.delay(CANARY)
    event = kept.only("RuntimeError")
    assert event["exception"]["values"][-1]["mechanism"]["type"] == "celery"
    assert event["tags"]["task_id"] == "68f1c0a2b3d4"
    assert event["tags"]["stage"] == "proving"
    assert event["tags"]["role"] == "worker"


def test_a_handled_error_carries_the_task_it_is_reported_from(kept: Kept) -> None:
    start(kept, "worker")
    with task_context("68f1c0a2b3d4"):
        sentry_sdk.capture_exception(LookupError(CANARY))
    sentry_sdk.capture_exception(KeyError(CANARY))
    assert kept.only("LookupError")["tags"]["task_id"] == "68f1c0a2b3d4"
    assert "task_id" not in kept.only("KeyError")["tags"]


def test_reports_begin_when_the_worker_does(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery.signals.worker_init, "receivers", [])
    init_sentry_in_worker(DSN, transport=kept)
    assert not sentry_sdk.is_initialized()
    celery.signals.worker_init.send(sender=None)
    assert sentry_sdk.is_initialized()


def test_a_failed_model_call_arrives_without_its_prompt(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real litellm call to a server that answers like a provider which repeats the prompt in its error."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm.exceptions

    start(kept, "worker")
    provider = FastAPI()

    @provider.post("/v1/chat/completions")
    async def refuse(request: Request) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"error": {"message": f"bad: {(await request.body()).decode()}"}}, status_code=400)

    with serving(provider) as client:
        base = str(client.base_url.join("/v1"))
        with (
            task_context("68f1c0a2b3d4"),
            pytest.raises(litellm.exceptions.BadRequestError, match=CANARY),
            reporting_model_errors("openai/some-model", "implement"),
        ):
            litellm.completion(
                model="openai/some-model",
                messages=[{"role": "user", "content": f"the source is {CANARY}"}],
                api_base=base,
                api_key=SECRET,
                max_retries=0,
            )
    event = kept.only("BadRequestError")
    assert event["tags"]["task_id"] == "68f1c0a2b3d4"
    assert event["tags"]["model"] == "openai/some-model"
    assert event["tags"]["model_role"] == "implement"


def test_a_logged_error_arrives_as_its_words_alone(kept: Kept) -> None:
    start(kept, "worker")
    with task_context("68f1c0a2b3d4"):
        logging.getLogger("library").error("cannot push %s", CANARY, extra={"diff": CANARY})
    sentry_sdk.flush()
    (event,) = kept.events
    assert event["logentry"]["message"] == "cannot push %s"
    assert event["tags"]["task_id"] == "68f1c0a2b3d4"
    assert CANARY.encode() not in b"".join(kept.raw)


def test_breadcrumbs_say_what_kind_and_when(kept: Kept) -> None:
    start(kept, "worker")
    sentry_sdk.add_breadcrumb(category="httplib", type="http", message=CANARY, data={"url": CANARY, "body": CANARY})
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.get(f"http://127.0.0.1/{CANARY}")
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        sentry_sdk.capture_exception(error)
    crumbs = kept.only("KeyError")["breadcrumbs"]["values"]
    assert {"type", "category"} <= set(crumbs[0])
    assert all("message" not in crumb and "data" not in crumb for crumb in crumbs)


def test_a_chain_of_errors_keeps_its_types(kept: Kept) -> None:
    start(kept, "worker")
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise OSError(SECRET) from error
    except OSError as error:
        sentry_sdk.capture_exception(error)
    assert _types(kept.only("OSError")) == ["KeyError", "OSError"]


def test_a_transaction_would_carry_timings_alone() -> None:
    event: Any = {
        "type": "transaction",
        "transaction": f"/things/{CANARY}",
        "start_timestamp": 1,
        "request": {"data": CANARY},
        "spans": [{"op": "db", "span_id": "a", "description": CANARY, "data": {"x": CANARY}}],
        "contexts": {"trace": {"trace_id": "b", "data": {"x": CANARY}}, "celery-job": {"args": [CANARY]}},
    }
    clean = Scrubber(Redactor()).transaction(event, {})
    assert CANARY not in json.dumps(clean)
    assert clean["spans"] == [{"op": "db", "span_id": "a"}]
