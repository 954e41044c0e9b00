"""A task that has ended, asked for once more, and what one task may use (pure)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from settings import Settings
from store import Limits, NewTask
from store.schema import Task
from workers.record_keeping import nanodollars


def limits_from(settings: Settings) -> Limits:
    """What one task may use, by the settings."""
    return Limits(
        nanodollars(Decimal(str(settings.task_budget_usd))),
        settings.task_budget_tokens,
        settings.task_budget_steps,
        settings.task_budget_seconds,
    )


def again(last: Task, *, asked: Mapping[str, Any], limits: Limits, request_key: str | None = None) -> NewTask:
    """The same ticket on the same subject, with the limits of now; on its own branch if it has a pull request already.

    `asked` is who asked this time and how, over what the last request said. The ticket stays as it was first asked
    for, and `retry_of` says what came before.
    """
    return NewTask(
        source=last.source,
        subject=last.subject,
        repository=last.repository,
        request=dict(last.request)
        | {"trigger": "retry", "retry_of": last.id, "pull_number": last.pull_number}
        | dict(asked),
        ticket=last.ticket,
        limits=limits,
        installation_id=last.installation_id,
        repository_id=last.repository_id,
        number=last.number,
        is_pull_request=last.is_pull_request,
        request_key=request_key,
    )
