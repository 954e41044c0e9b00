"""The device of a broker's verifications: looked at before anything is run on it, held meanwhile, and looked at again
after what ended badly.

A worker of ours has it from the first verification to the last, so that a backend that lends devices to boxes that are
together lends the same one to all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from kernels.bench import Judged
from kernels.devices import Device, Health, Keeper, read_health
from kernels.hosting import Ended, Place, Troubled, Worker
from kernels.messages import ProtocolError
from kernels.verdicts import Stage, Verdict
from sandboxes.contract import SandboxError

_CHECK_S = 120.0
_SUSPICIOUS = frozenset(
    {Verdict.launch_error, Verdict.load_error, Verdict.timeout, Verdict.oom, Verdict.protocol_error,
     Verdict.infra_error}
)  # fmt: skip
"""Ends that a broken device may have brought about, and after which one may be broken."""


class Borrowed:
    """`keeper`: None where nobody keeps account of devices."""

    def __init__(self, place: Place, keeper: Keeper | None) -> None:
        """Waits until the device is ours. Judged: infra_error, where it is not well. SandboxError where there is
        none."""
        self._place, self._keeper = place, keeper
        self._worker = _started(place)
        try:
            health = _asked(self._worker)
            self.device: Device = health.device
            if keeper is not None and (why := keeper.take(self.device)) is not None:
                raise _unfit(self.device, why)
            if health.problems:
                raise self._given_up(health.problems)
        except BaseException:
            self.close()
            raise

    @property
    def qualified(self) -> bool:
        return self._keeper is not None and self._keeper.qualified(self.device)

    @contextmanager
    def looked_after(self) -> Iterator[None]:
        """For one verification. When it ends as a broken device would have it end, the device is looked at, and where
        that is broken nothing is said of the candidate."""
        self._hold_on()
        try:
            yield
        except (Judged, SandboxError, ProtocolError, Ended, Troubled) as end:
            if not isinstance(end, Judged) or end.verdict in _SUSPICIOUS:
                self._look_again()
            raise

    def _look_again(self) -> None:
        """By a process that was not there before: one that used the device meanwhile has its own troubles."""
        try:
            with _started(self._place) as worker:
                health = _asked(worker)
        except Judged as end:
            raise self._given_up([end.reason]) from None
        self._must_be_well(health)

    def _hold_on(self) -> None:
        """A corpus takes longer than the box of who holds the device may live. The next one is there before the last
        is gone: a device without a box would be lent to others."""
        if not self._worker.worn:
            return
        fresh = _started(self._place)
        try:
            self._must_be_well(_asked(fresh))
        except BaseException:
            fresh.close()
            raise
        old, self._worker = self._worker, fresh
        old.close()

    def _must_be_well(self, health: Health) -> None:
        if health.device.uuid != self.device.uuid:
            raise _unfit(self.device, f"a box that was to have it has {health.device.uuid}: it cannot be looked at")
        if health.problems:
            raise self._given_up(health.problems)

    def _given_up(self, problems: Sequence[str]) -> Judged:
        why = "; ".join(problems)
        if self._keeper is not None:
            self._keeper.quarantine(self.device, why)
        return _unfit(self.device, f"{why}. Nothing is run on it any more until a person has looked at it")

    def close(self) -> None:
        with suppress(SandboxError):
            self._worker.close()
        if self._keeper is not None:
            self._keeper.give_back()


def _started(place: Place) -> Worker:
    try:
        return Worker(place, "checking_device")
    except Ended as end:
        raise _infra(f"the device cannot be used: {end.text}") from None


def _asked(worker: Worker) -> Health:
    try:
        return read_health(worker.ask("check", {}, timeout=_CHECK_S)[0])
    except Troubled as trouble:
        raise _infra(f"the device cannot be looked at: {trouble.text}") from None
    except Ended as end:
        raise _infra(f"the device cannot be looked at: {end.text}") from None
    except ProtocolError as error:
        raise _infra(f"what looks at the device: {error}") from None


def _unfit(device: Device, why: str) -> Judged:
    return _infra(f"the device {device.name} ({device.uuid}): {why}")


def _infra(reason: str) -> Judged:
    return Judged(Verdict.infra_error, Stage.parse, reason)
