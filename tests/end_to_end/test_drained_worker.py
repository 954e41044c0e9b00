"""A worker told to end (SIGTERM, as at every deployment) gives its task back; another goes on at once, and at the end
there is one of everything."""

import signal
import time
from pathlib import Path

from store import Stage
from tests.end_to_end.chaos_house import ChaosHouse, chaos_house
from tests.end_to_end.once import check_once
from tests.end_to_end.test_killed_worker import running

ENDS_WITHIN_S = 10.0
LEASE_S = 300.0  # nobody waits for a lease here


def drain(chaos: ChaosHouse) -> None:
    """SIGTERM to the worker that has the task; its end, and the other one's claim, are waited for."""
    task = chaos.task
    assert task.lease_owner is not None
    pid = int(task.lease_owner.split(":")[1])
    name = next(name for name, process in chaos.house.processes.items() if process.pid == pid)
    process = chaos.house.processes.pop(name)
    in_flight = chaos.model.asked.keys() - chaos.paid()
    chaos.allowed.update(in_flight)
    chaos.given_up += len(in_flight)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    status = process.wait(ENDS_WITHIN_S)
    took = time.monotonic() - began
    chaos.wait("the other worker has the task", lambda: chaos.task.fence > task.fence)
    print(f"{name} ended with {status} after {took:.1f} s, taken over after {time.monotonic() - began:.1f} s")
    assert status == 0
    assert "Traceback" not in chaos.house.log(name)


def test_in_the_middle_of_a_model_call_and_of_a_command(tmp_path: Path) -> None:
    with chaos_house(tmp_path, FORGEHAND_LEASE_S=f"{LEASE_S:g}") as chaos:
        chaos.start_spare()
        reached, released = chaos.model.hold("research", 1)
        _, before_the_command = chaos.model.hold("implement", 1)  # the other worker is not to be past it already
        chaos.assign()
        chaos.wait("the model is asked", reached.is_set)
        drain(chaos)
        released.set()
        before_the_command.set()
        chaos.wait("a command runs in the sandbox", lambda: running(chaos, "sleep 1.517"))
        if "worker" in chaos.house.processes:
            chaos.start_spare()
        else:
            chaos.house.start("worker")
        drain(chaos)
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.merge_and_finish()
        check_once(chaos, replies=0)
        assert chaos.model.asked["research", 1] == 2, "the one call in flight was asked for again, and nothing else"
        assert sum(chaos.allowed.values()) == 1
