"""What /metrics says, read from the database at each scrape: worker processes cannot undercount, restarts lose nothing.

Only the intake's answers are this process's own. Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from store import machines, pools
from store.deliveries import counts, oldest_pending_at
from store.schema import BudgetEntry, Task, TaskInput
from store.stages import TERMINAL, Stage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DELIVERY_STATES = ("pending", "done", "ignored", "failed")


def render(session: Session, answers: Mapping[str, int], *, now: float) -> bytes:
    """The whole page. `answers`: this process's webhook answers by result; `now`: Unix seconds."""
    registry = CollectorRegistry()
    found = [_answers(answers), *_deliveries(session, now), *_tasks(session, now), *_machines(session, now)]
    registry.register(_Families([*found, *_spent(session)]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _answers(answers: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(
        "forgehand_intake_answers", "Webhook requests this process answered, by result.", labels=["result"]
    )
    for result, count in sorted(answers.items()):
        family.add_metric([result], count)
    return family


def _machines(session: Session, now: float) -> Iterator[Metric]:
    in_use, waiting = machines.counts(session, now=now)
    yield GaugeMetricFamily(
        "forgehand_machines", "Tasks with a machine for their boxes, where a limit counts them.", value=in_use
    )
    yield GaugeMetricFamily("forgehand_machines_waiting", "Tasks in line for a machine.", value=waiting)
    ready = GaugeMetricFamily(
        "forgehand_warm_boxes", "Boxes made ahead that nobody has claimed yet, by backend.", labels=["backend"]
    )
    claims = GaugeMetricFamily(
        "forgehand_warm_claims",
        "Boxes the living workers asked for, by whether a warm one was there; failed: could not be made ahead.",
        labels=["backend", "result"],
    )
    for backend, warmth in sorted(pools.counts(session, now=now).items()):
        ready.add_metric([backend], warmth.ready)
        for result, value in (("hit", warmth.hits), ("miss", warmth.misses), ("failed", warmth.failures)):
            claims.add_metric([backend, result], value)
    yield ready
    yield claims


def _deliveries(session: Session, now: float) -> Iterator[Metric]:
    by_state = dict.fromkeys(DELIVERY_STATES, 0) | counts(session)
    family = GaugeMetricFamily("forgehand_deliveries", "Deliveries in the inbox, by state.", labels=["state"])
    for state, count in by_state.items():
        family.add_metric([state], count)
    yield family
    oldest = oldest_pending_at(session)
    yield GaugeMetricFamily(
        "forgehand_oldest_pending_delivery_age_seconds",
        "Age of the oldest delivery nobody has acted on; 0 when there is none.",
        value=0.0 if oldest is None else max(0.0, now - oldest),
    )


def _tasks(session: Session, now: float) -> Iterator[Metric]:
    by_stage = {stage.value: 0 for stage in Stage}
    for stage, count in session.execute(select(Task.stage, func.count()).group_by(Task.stage)):
        by_stage[stage] = count
    live = GaugeMetricFamily("forgehand_tasks", "Live tasks, by stage.", labels=["stage"])
    ended = GaugeMetricFamily("forgehand_task_outcomes", "Tasks that have ended, by outcome.", labels=["outcome"])
    for stage, count in by_stage.items():
        (ended if stage in TERMINAL else live).add_metric([stage], count)
    yield live
    yield ended
    running = session.scalar(select(func.count()).select_from(Task).where(Task.lease_until > now))
    yield GaugeMetricFamily("forgehand_task_leases", "Tasks a worker holds now.", value=running or 0)
    waiting = GaugeMetricFamily(
        "forgehand_steering_waiting", "Inputs to live tasks nobody has read yet.", labels=["kind"]
    )
    for kind, count in session.execute(
        select(TaskInput.kind, func.count())
        .join(Task, Task.id == TaskInput.task_id)
        .where(TaskInput.taken_at.is_(None), Task.finished_at.is_(None))
        .group_by(TaskInput.kind)
    ):
        waiting.add_metric([kind], count)
    yield waiting


def _spent(session: Session) -> Iterator[Metric]:
    spent = session.execute(
        select(
            func.coalesce(func.sum(case((BudgetEntry.settled, BudgetEntry.usd_nanos), else_=0)), 0),
            func.coalesce(func.sum(case((BudgetEntry.settled, BudgetEntry.tokens), else_=0)), 0),
            func.coalesce(func.sum(case((BudgetEntry.settled, 0), else_=BudgetEntry.usd_nanos)), 0),
        )
    ).one()
    for name, what, value in (
        ("spent_usd", "US dollars settled for model calls.", int(spent[0]) / 1e9),
        ("spent_tokens", "Tokens settled for model calls.", int(spent[1])),
        ("reserved_usd", "US dollars set aside for calls under way or lost with their worker.", int(spent[2]) / 1e9),
    ):
        yield GaugeMetricFamily(f"forgehand_budget_{name}", what, value=value)
