"""Web and workers killed at random points of the whole way: `make test-chaos`. Two workers run, one takes over."""

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from store import Stage
from store.schema import Delivery, Effect, JournalEntry, TaskEvent
from tests.end_to_end.chaos_house import ChaosHouse, chaos_house
from tests.end_to_end.once import check_once

SEEDS = (11, 12, 13, 14, 15, 16, 17, 18)
KILLS_A_RUN = 13  # 8 runs: 104 kill points
# The next kill comes after so many new rows and then within so many seconds: anywhere in what happens between two rows.
ROWS_AT_MOST, DELAY_AT_MOST_S = 5, 0.4
RUN_WITHIN_S = 420.0


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with chaos_house(tmp_path, ci=chance.random() < 0.5) as chaos:
        chaos.start_spare()
        # What takes no time is never in flight when somebody dies.
        chaos.model.latency_s = 0.3
        chaos.house.twin.controls().fault("slow", "POST", ".*", count=10_000, delay_s=0.1)
        deadline = time.monotonic() + RUN_WITHIN_S
        chaos.assign()
        disturb(chaos, chance, KILLS_A_RUN // 2, deadline)
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.review()
        disturb(chaos, chance, KILLS_A_RUN - KILLS_A_RUN // 2, deadline)
        chaos.wait("the review is answered", lambda: chaos.stage == Stage.IN_REVIEW and answered(chaos))
        chaos.merge_and_finish()
        check_once(chaos, replies=2)
        print(f"seed {seed}: {chaos.kills} kills, {sum(chaos.allowed.values())} of them with a model call in flight")
        assert chaos.kills == KILLS_A_RUN


def disturb(chaos: ChaosHouse, chance: random.Random, kills: int, deadline: float) -> None:
    """Kills so often, or until nothing new happens any more; then whatever is there is killed where it waits."""
    for _ in range(kills):
        wanted, patience = rows(chaos) + chance.randint(1, ROWS_AT_MOST), time.monotonic() + 20
        while rows(chaos) < wanted and time.monotonic() < min(patience, deadline):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, DELAY_AT_MOST_S))
        name = "web" if chance.random() < 0.2 else owner(chaos) or chance.choice(["worker", "spare"])
        chaos.kill(name)


def rows(chaos: ChaosHouse) -> int:
    """Everything that happens leaves a row."""
    with chaos.house.database.read() as session:
        return sum(
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Delivery, TaskEvent, JournalEntry, Effect)
        )


def owner(chaos: ChaosHouse) -> str | None:
    """The worker that has the task now."""
    found = chaos.house.tasks()
    if not found or found[0].lease_owner is None:
        return None
    pid = int(found[0].lease_owner.split(":")[1])
    return next((name for name, process in chaos.house.processes.items() if process.pid == pid), None)


def answered(chaos: ChaosHouse) -> bool:
    path = f"/repos/{chaos.house.stage.repository}/pulls/{chaos.task.pull_number}/comments"
    comments = chaos.house.maintainer.ask("GET", path)
    return sum(1 for one in comments if one.get("in_reply_to_id")) == 2
