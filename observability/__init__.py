"""Seeing what happens without showing what must not be seen: structured logs and error reports.

Both carry the task's id and neither carries a secret, a prompt, a diff or a body. Used by `app`, `workers` and `cli`;
knows none of them.
"""

from observability.context import task_context
from observability.logs import configure_logging, keep_under_celery
from observability.redaction import Redactor
from observability.sentry import init_sentry, init_sentry_in_worker, reporting_model_errors

__all__ = [
    "Redactor",
    "configure_logging",
    "init_sentry",
    "init_sentry_in_worker",
    "keep_under_celery",
    "reporting_model_errors",
    "task_context",
]
