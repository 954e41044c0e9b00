"""Which task the code that runs now works for."""

from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk
import structlog

MARK = "_forgehand_task_context"


@contextmanager
def task_context(task_id: str, **names: str) -> Iterator[None]:
    """Every log line and error report from inside carries `task_id` and `names` (such as stage=...).

    So does the report of an error that leaves it, which is made further out, by Celery's or FastAPI's integration.
    """
    bound = {"task_id": task_id, **names}
    with structlog.contextvars.bound_contextvars(**bound), sentry_sdk.isolation_scope() as scope:
        for name, value in bound.items():
            scope.set_tag(name, value)
        try:
            yield
        except Exception as error:
            vars(error).setdefault(MARK, bound)
            raise


def left_context(error: BaseException | None) -> dict[str, str]:
    """The names bound by the innermost `task_context` the error left."""
    return dict(getattr(error, MARK, {}))
