"""Error reports to Sentry: where and what kind, never with what data.

What people's code, prompts and webhooks contain must not leave the machine, so a report is rebuilt from the parts that
are known to be ours: types, the stack with its source lines, tags. Messages of exceptions are left out, because
libraries put bodies, statements and prompts into them; they are in the log, beside the same task id.
There is no default address: without FORGEHAND_SENTRY_DSN nothing is sent.
Options: https://docs.sentry.io/platforms/python/configuration/options/
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast

import sentry_sdk
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.modules import ModulesIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

from observability.context import left_context
from observability.redaction import Redactor

Role = Literal["web", "worker", "cli"]
WITHHELD = "withheld: see the log"
# What of an event is passed on; all else (request, extra, user, argv, environment) is dropped.
EVENT_PARTS = ("event_id", "timestamp", "level", "platform", "release", "environment", "sdk", "tags", "logger", "type")
CONTEXT_PARTS = ("runtime", "trace")
FRAME_PARTS = ("filename", "abs_path", "module", "function", "lineno", "pre_context", "context_line", "post_context")
BREADCRUMB_PARTS = ("type", "category", "level", "timestamp")
SPAN_PARTS = ("span_id", "parent_span_id", "trace_id", "op", "start_timestamp", "timestamp", "status")


def init_sentry(
    dsn: str,
    *,
    role: Role,
    release: str | None = None,
    environment: str | None = None,
    secrets: Iterable[str] = (),
    transport: Transport | None = None,
) -> bool:
    """Starts reporting for this process; False, and nothing happens, without a `dsn`.

    In a worker call `init_sentry_in_worker` instead. `transport` is for tests.
    """
    if not dsn:
        return False
    scrub = Scrubber(Redactor(secrets))
    integrations: list[Any] = [LoggingIntegration(level=None, event_level=40)]
    if role == "web":
        integrations += [StarletteIntegration(), FastApiIntegration()]
    elif role == "worker":
        integrations.append(CeleryIntegration(propagate_traces=False))
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        transport=transport,
        integrations=integrations,
        auto_enabling_integrations=False,
        disabled_integrations=[ArgvIntegration(), ModulesIntegration()],
        data_collection={
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "off"}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "gen_ai": {"inputs": False, "outputs": False},
            "database_query_data": False,
            "queues": False,
            "stack_frame_variables": False,
        },
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=None,
        auto_session_tracking=False,
        server_name="",
        before_send=scrub.event,
        before_send_transaction=scrub.transaction,
        before_breadcrumb=scrub.breadcrumb,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)
    return True


def init_sentry_in_worker(dsn: str, **options: Any) -> None:
    """Starts reporting when Celery's worker starts. Options as `init_sentry`'s, without the role.

    The `worker_init` signal, not `worker_process_init`: initialised there, the errors of tasks were not reported.
    """
    from celery.signals import worker_init  # here, because the web process needs no Celery

    def start(**_: Any) -> None:
        init_sentry(dsn, role="worker", **options)

    worker_init.connect(start, weak=False)


@contextmanager
def reporting_model_errors(model: str, role: str) -> Iterator[None]:
    """Around one model call: an error is reported with the model and the phase, and goes on its way."""
    try:
        yield
    except Exception as error:
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("model", model)
            scope.set_tag("model_role", role)
            scope.capture_exception(error)
        raise


class Scrubber:
    """Rebuilds what the SDK wants to send from the parts that carry no data. Pure."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def event(self, event: Event, hint: Hint) -> Event:
        clean = _parts(cast("dict[str, Any]", event), EVENT_PARTS)
        clean["tags"] = {**clean.get("tags", {}), **left_context(hint.get("exc_info", (None, None, None))[1])}
        clean["contexts"] = _parts(cast("dict[str, Any]", event.get("contexts") or {}), CONTEXT_PARTS)
        clean["contexts"].get("trace", {}).pop("data", None)
        exceptions = (event.get("exception") or {}).get("values") or []
        if exceptions:
            clean["exception"] = {"values": [_exception(one) for one in exceptions]}
        if "logentry" in event or "message" in event:
            clean["logentry"] = {"message": _template(hint)}
        breadcrumbs = cast("dict[str, Any]", event.get("breadcrumbs") or {}).get("values") or []
        clean["breadcrumbs"] = {"values": [_parts(crumb, BREADCRUMB_PARTS) for crumb in breadcrumbs]}
        return cast("Event", self._redactor.value(clean))

    def transaction(self, event: Event, hint: Hint) -> Event:
        """Traces are off; should somebody turn them on, they carry timings alone."""
        whole = cast("dict[str, Any]", event)
        clean = cast("dict[str, Any]", self.event(event, hint))
        clean |= _parts(whole, ("start_timestamp", "transaction_info"))
        clean["spans"] = [_parts(span, SPAN_PARTS) for span in whole.get("spans") or []]
        return cast("Event", clean)

    def breadcrumb(self, crumb: Breadcrumb, _: BreadcrumbHint) -> Breadcrumb:
        return _parts(crumb, BREADCRUMB_PARTS)


def _parts(whole: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: whole[name] for name in names if name in whole}


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames") or []
    return {
        **_parts(one, ("type", "module", "thread_id")),
        "value": WITHHELD,
        "mechanism": _parts(one.get("mechanism") or {}, ("type", "handled", "exception_id", "parent_id")),
        "stacktrace": {"frames": [_parts(frame, (*FRAME_PARTS, "in_app")) for frame in frames]},
    }


def _template(hint: Hint) -> str:
    """The words of a log call without the values put into them."""
    record = hint.get("log_record")
    said = record.msg if record is not None else WITHHELD
    if isinstance(said, dict):  # structlog's: the event is ours, the rest are values
        said = said.get("event", WITHHELD)
    return str(said)[:200]
