"""Logs: one event a line on standard error, JSON or for people, from our code and from the libraries alike."""

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from observability.redaction import Redactor

# Below warning, these write prompts (LiteLLM, openai), statements with their values (SQLAlchemy) or addresses.
CHATTY = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai", "httpx", "httpcore", "sqlalchemy.engine", "urllib3")
# These bring handlers of their own, which would write past the redaction.
OWN_HANDLERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "uvicorn", "uvicorn.error", "uvicorn.access", "celery")


class _Rendered:
    """The last processor: redacts the values, renders, and redacts what rendering brought in (reprs, escapes)."""

    def __init__(self, redactor: Redactor, render: Processor) -> None:
        self._redactor = redactor
        self._render = render

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        clean = {key: self._redactor.value(value) for key, value in event.items()}
        return self._redactor.text(str(self._render(logger, name, clean)))


def configure_logging(
    level: str, *, secrets: Iterable[str] = (), as_json: bool | None = None, stream: TextIO | None = None
) -> None:
    """Sets up the whole process, once, before anything logs.

    `level`: debug, info, warning or error. `as_json`: None means JSON unless `stream` (standard error) is a terminal.
    Under Celery also connect `celery.signals.setup_logging`, or the worker replaces all of this: `keep_under_celery`.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if as_json is None else as_json
    shared: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    )
    render: Processor = (
        structlog.processors.JSONRenderer(default=repr)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _Rendered(Redactor(secrets), render),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in OWN_HANDLERS:
        _route_to_root(logging.getLogger(name))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _route_to_root(logger: logging.Logger) -> None:
    """Takes a library's handlers away, those it adds when it is imported later included."""
    logger.handlers.clear()
    logger.propagate = True
    vars(logger)["addHandler"] = _ignore


def _ignore(_: logging.Handler) -> None:
    return None


def keep_under_celery() -> None:
    """Keeps Celery from setting up logging in its own way. Called before the worker starts."""
    from celery.signals import setup_logging  # here, because the web process needs no Celery

    setup_logging.connect(_leave_logging, weak=False)


def _leave_logging(**_: Any) -> None:
    return None
