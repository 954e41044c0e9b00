"""What runs beside the tasks: the relay, the sweeper, the poller and the reaper, each in one process at a time."""

import threading
from collections.abc import Callable
from dataclasses import astuple

import structlog

from forges.github import GitHubApp
from store import duties as leases
from store import pools
from workers import freshness
from workers.freshness import Freshness
from workers.kernel_checks import looking
from workers.kernel_checks.looking import Lookout
from workers.poller import Poller
from workers.relay import Relay
from workers.sweeper import reap, sweep
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

# When a process is killed, for this long nobody acts on deliveries or rings for the tasks it left behind.
DUTY_LEASE_S = 5.0
LOOK_EVERY_S = DUTY_LEASE_S / 3
REAP_EVERY_S = 60.0
# A database that stalls for a while must not cost every warm box.
WARM_LEASE_S = 60.0


class Duties:
    """Threads that each do one duty while this process has it.

    A thread of its own keeps the leases: a turn that waits for GitHub for longer than a lease must not be overtaken by
    another process that acts on the same deliveries.
    """

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop = workshop
        settings = workshop.settings
        relay, poller = Relay(workshop, app), Poller(workshop, app)
        turns: dict[str, tuple[Callable[[], object], float]] = {
            "relay": (relay.turn, settings.relay_interval_s),
            "sweeper": (lambda: (sweep(workshop), looking.ring_again(workshop)), settings.sweep_interval_s),
            "poller": (poller.turn, settings.delivery_poll_s),
        }
        self._stopping = threading.Event()
        self._ours_until = dict.fromkeys(turns, 0.0)
        self._threads = [
            self._thread("duty-leases", self._keep, LOOK_EVERY_S),
            self._thread("reaper", lambda: reap(workshop), REAP_EVERY_S),
            self._thread("kernel-looks", Lookout(workshop, app).turn, looking.LOOK_EVERY_S),
            self._thread("freshness", Freshness(workshop, app).turn, freshness.LOOK_EVERY_S),
            *(self._thread(name, turn, every_s) for name, (turn, every_s) in turns.items()),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads and gives the duties to whoever wants them."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(timeout=10)
        with self._workshop.database.write() as session:
            for name in self._ours_until:
                leases.drop_duty(session, name, self._workshop.owner, now=self._workshop.clock())
            for pool in self._workshop.pools:
                pools.drop(session, pool.prefix)

    def _keep(self) -> None:
        """Takes every duty that is free, and renews those we have."""
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            ours = {
                name
                for name in self._ours_until
                if leases.take_duty(session, name, self._workshop.owner, now=now, lease_s=DUTY_LEASE_S)
            }
            for pool in self._workshop.pools:
                warmth = pools.Warmth(*astuple(pool.counts()))
                pools.tell(session, pool.prefix, pool.backend.name, warmth, now=now, lease_s=WARM_LEASE_S)
        for name in self._ours_until:
            self._ours_until[name] = now + DUTY_LEASE_S if name in ours else 0.0

    def _thread(self, name: str, turn: Callable[[], object], every_s: float) -> threading.Thread:
        return threading.Thread(target=self._every, args=(name, turn, every_s), name=name, daemon=True)

    def _every(self, name: str, turn: Callable[[], object], every_s: float) -> None:
        while not self._stopping.is_set():
            if not self._ours(name):
                self._stopping.wait(min(every_s, LOOK_EVERY_S))
                continue
            try:
                turn()
            except Exception:
                # A duty must outlive any one bad turn: the next one finds the same rows again.
                log.exception("a turn failed", duty=name)
            self._stopping.wait(every_s)

    def _ours(self, name: str) -> bool:
        """Whether this process has the duty; what is no duty every process does."""
        return self._workshop.clock() < self._ours_until.get(name, float("inf"))
