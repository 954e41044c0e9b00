"""A worker process that claims, renews and parks as fast as it can: `python -m tests.store.hammer URL OWNER SECONDS`.

Each claim that it could park again is one line on standard output: task, fence, when the claim's transaction had ended
and when the park's began, on the clock all processes of the machine share. The last line says how often it found its
lease lost.
"""

import json
import sys
import time

from sqlalchemy import select

from store import Database, LeaseLost, tasks
from store.schema import Task

# A third of the tasks have leases so short that they lapse while they are worked on.
LONG_S, SHORT_S = 60.0, 0.0005


def hammer(database: Database, owner: str, seconds: float) -> None:
    with database.read() as session:
        ids = list(session.scalars(select(Task.id).order_by(Task.id)))
    lost = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number, task_id in enumerate(ids):
            lease_s = SHORT_S if number % 3 == 0 else LONG_S
            with database.write() as session:
                held = tasks.claim(session, task_id, owner, now=time.monotonic(), lease_s=lease_s)
            if held is None:
                continue
            since = time.monotonic()
            try:
                with database.write() as session:
                    tasks.renew(session, held, now=time.monotonic(), lease_s=lease_s, worked_s=0.001)
                until = time.monotonic()
                with database.write() as session:
                    tasks.park(session, held, wake_at=0.0, now=time.monotonic())
            except LeaseLost:
                lost += 1
                continue
            print(json.dumps([task_id, held.fence, since, until]))
    print(json.dumps({"lost": lost}))


if __name__ == "__main__":
    opened = Database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    hammer(opened, sys.argv[2], float(sys.argv[3]))
    opened.close()
