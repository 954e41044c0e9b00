"""/metrics: the database's figures, whoever wrote them, and this process's answers."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from app.metrics import render
from store import pools
from store.database import Database
from store.pools import Warmth
from store.schema import BudgetEntry, Delivery, Task, TaskInput
from store.stages import TERMINAL, Stage
from tests.app.serving import PATH, headers, payload, web

NOW = 1_800_000_000.0


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values...) -> value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def delivery(number: int, state: str, received_at: float = NOW) -> Delivery:
    return Delivery(
        source="github",
        app_id="7",
        delivery_id=str(number),
        event="issues",
        content_type="application/json",
        body=b"{}",
        received_at=received_at,
        state=state,
    )


def task(name: str, stage: str, **values: Any) -> Task:
    return Task(
        id=name,
        source="github",
        subject=name,
        repository="octo/sample",
        request={},
        ticket={},
        stage=stage,
        stage_since=NOW,
        limit_usd_nanos=1,
        limit_tokens=1,
        limit_steps=1,
        limit_seconds=1.0,
        created_at=NOW,
        updated_at=NOW,
        **values,
    )


def entry(task_id: str, key: str, settled: bool, usd_nanos: int, tokens: int) -> BudgetEntry:
    return BudgetEntry(task_id=task_id, key=key, at=NOW, settled=settled, usd_nanos=usd_nanos, tokens=tokens)


def note(task_id: str, key: str, kind: str, taken_at: float | None = None) -> TaskInput:
    return TaskInput(
        task_id=task_id,
        key=key,
        kind=kind,
        author="a",
        permission="write",
        body="",
        data={},
        at=NOW,
        not_before=0.0,
        taken_at=taken_at,
    )


def test_every_figure_comes_from_the_rows(database: Database) -> None:
    with database.write() as session:
        session.add_all(delivery(number, "done") for number in range(3))
        session.add_all([delivery(3, "failed"), delivery(4, "pending", NOW - 42), delivery(5, "pending", NOW - 7)])
        session.add_all(
            [
                task("a", "implementing", lease_until=NOW + 5),
                task("b", "implementing", lease_until=NOW - 5),
                task("c", "in_review"),
                task("d", "done", finished_at=NOW),
                task("e", "failed", finished_at=NOW),
                task("f", "done", finished_at=NOW),
            ]
        )
        session.flush()
        session.add_all(
            [
                entry("a", "1", True, 1_500_000_000, 1000),
                entry("d", "1", True, 250_000_000, 500),
                entry("a", "2", False, 2_000_000_000, 9000),
            ]
        )
        session.add_all([note("a", "1", "comment"), note("a", "2", "comment", NOW), note("d", "1", "review")])
        for prefix, told in (("one", NOW), ("two", NOW), ("dead", NOW - 100)):
            warmth = Warmth(1, 10, 3, 1) if prefix == "one" else Warmth(2, 5, 1, 0)
            pools.tell(session, prefix, "docker", warmth, now=told, lease_s=60)
    with database.read() as session:
        found = samples(render(session, {"accepted": 5, "duplicate": 1}, now=NOW).decode())
    stages = {
        ("forgehand_tasks" if stage not in TERMINAL else "forgehand_task_outcomes", stage.value): 0.0 for stage in Stage
    }
    assert found == stages | {
        ("forgehand_intake_answers_total", "accepted"): 5,
        ("forgehand_intake_answers_total", "duplicate"): 1,
        ("forgehand_deliveries", "pending"): 2,
        ("forgehand_deliveries", "done"): 3,
        ("forgehand_deliveries", "ignored"): 0,
        ("forgehand_deliveries", "failed"): 1,
        ("forgehand_oldest_pending_delivery_age_seconds",): 42,
        ("forgehand_tasks", "implementing"): 2,
        ("forgehand_tasks", "in_review"): 1,
        ("forgehand_task_outcomes", "done"): 2,
        ("forgehand_task_outcomes", "failed"): 1,
        ("forgehand_task_leases",): 1,
        ("forgehand_machines",): 0,
        ("forgehand_machines_waiting",): 0,
        ("forgehand_warm_boxes", "docker"): 3,
        ("forgehand_warm_claims", "docker", "hit"): 15,
        ("forgehand_warm_claims", "docker", "miss"): 4,
        ("forgehand_warm_claims", "docker", "failed"): 1,
        ("forgehand_steering_waiting", "comment"): 1,
        ("forgehand_budget_spent_usd",): 1.75,
        ("forgehand_budget_spent_tokens",): 1500,
        ("forgehand_budget_reserved_usd",): 2,
    }


def test_an_empty_database_has_every_figure(database: Database) -> None:
    with database.read() as session:
        found = samples(render(session, {}, now=NOW).decode())
    assert set(found.values()) == {0.0}
    assert ("forgehand_deliveries", "pending") in found


def test_answers_are_counted_by_result(sqlite_database: Database) -> None:
    body = payload()
    with web(sqlite_database) as client:
        client.post(PATH, content=body, headers=headers(body, delivery="a"))
        client.post(PATH, content=body, headers=headers(body, delivery="a"))
        client.post(PATH, content=body, headers=headers(body, x_hub_signature_256="sha256=no"))
        client.post(PATH, content=body, headers=headers(body, x_github_event=None))
        client.get(PATH)
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    counted = {key[1]: value for key, value in found.items() if key[0] == "forgehand_intake_answers_total"}
    assert counted == {"accepted": 1, "duplicate": 1, "bad_signature": 1, "bad_headers": 1, "wrong_method": 1}
    assert found["forgehand_deliveries", "pending"] == 1
