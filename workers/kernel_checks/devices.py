"""Who of an installation's verifications has which device, which of them is in quarantine, and on which our own corpus
was judged rightly: kept in the database, for workers and shells alike."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Mapping
from shlex import quote
from types import TracebackType
from typing import Any, Self

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from kernels.devices import Device
from kernels.version import code_digest
from sandboxes.machine import this_machine
from store import Database, kernel_devices
from store.kernel_devices import Seen
from store.schema import KernelDevice
from workers.kernel_checks.exclusive import ASK_EVERY_S
from workers.kernel_checks.renewing import LEASE_S, RenewedDuty

log = structlog.get_logger(__name__)


class InstallationKeeper:
    """The keeper of one broker, which has one device at a time. What a killed process had is free after its lease.

    `pause` is called with seconds while somebody else has the device or the database does not answer; what it raises
    ends the waiting. `code`: a digest of what decides verdicts, of the code that runs here by default. `here`: what
    people call this machine, by default the host's name. `where`, to be set, answers on which machine the broker's
    boxes are, empty while that is not known.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        owner: str,
        pause: Callable[[float], object],
        *,
        lease_s: float = LEASE_S,
        code: str = "",
        here: str = "",
    ) -> None:
        self._database, self._clock, self._pause = database, clock, pause
        self._code, self._here = code or code_digest(), here or socket.gethostname()
        self._duty = RenewedDuty(database, clock, owner, "device", lease_s)
        self._has: Device | None = None
        self.where: Callable[[], str] = lambda: ""

    @property
    def overtaken(self) -> bool:
        """Whether another verification had the device before this one gave it back: each may have disturbed the other,
        and taken memory that it would have had."""
        return self._duty.overtaken

    def take(self, device: Device) -> str | None:
        """Waits until no other verification has it. Ours until `give_back`; or why nothing may be run on it."""
        if self._has is not None:
            same = self._has.uuid == device.uuid
            return None if same else f"boxes of one verification have two devices, {self._has.uuid} and {device.uuid}"
        while (why := self._refusal(device)) is None and not self._duty.take(device.uuid):
            self._pause(ASK_EVERY_S)
        try:
            why = why or self._refusal(device)  # whoever had it until now may have broken it
            self._has = device if why is None else None
        finally:
            if self._has is None:
                self._duty.end()
        return why

    def give_back(self) -> None:
        """Lets the next one have what was taken. May be called where nothing was."""
        if self._has is None:
            return
        device, self._has = self._has, None
        if self.where():
            # Where it is was not known when it was taken: the broker learns it from the boxes it makes.
            self._or_warn(lambda session: kernel_devices.see(session, self._seen(device), now=self._clock()))
        self._duty.end()

    def quarantine(self, device: Device, why: str) -> None:
        """From now on nothing is run on it, until a person says so."""
        log.warning("a device is quarantined", device=device.uuid, why=why)
        # A verdict is not lost for what cannot be written now: the next verification looks at the device anew.
        self._or_warn(
            lambda session: kernel_devices.quarantine(session, self._seen(device), _plain(why), now=self._clock())
        )

    def qualified(self, device: Device) -> bool:
        """Whether our own corpus was judged rightly on it, with this code and this software. No where the database does
        not answer: a verdict is not lost for it."""
        try:
            with self._database.read() as session:
                row = kernel_devices.get(session, device.uuid)
                return row is not None and row.qualified_with == _qualification(self._code, _plain(device.software))
        except OperationalError as error:
            self._warn(error)
            return False

    def qualify(self, device: Device, figures: Mapping[str, Any]) -> None:
        """Our own corpus was judged rightly on it, with this code and this software. `figures` of that run, as JSON.
        OperationalError."""
        seen = self._seen(device)
        with self._database.write() as session:
            qualified_with = _qualification(self._code, seen.software)
            kernel_devices.qualify(session, seen, qualified_with, dict(figures), now=self._clock())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def _refusal(self, device: Device) -> str | None:
        """Why nothing may be run on it, with what to do; that it was seen is noted."""
        while True:
            try:
                with self._database.write() as session:
                    return refusal(kernel_devices.see(session, self._seen(device), now=self._clock()))
            except OperationalError as error:
                self._warn(error)
            self._pause(ASK_EVERY_S)

    def _seen(self, device: Device) -> Seen:
        where = self.where()
        machine = self._here if where == this_machine() else where
        return Seen(device.uuid, _plain(device.name), _plain(device.software), machine)

    def _or_warn(self, change: Callable[[Session], object]) -> None:
        """Changes rows, or says in the log that the database does not answer."""
        try:
            with self._database.write() as session:
                change(session)
        except OperationalError as error:
            self._warn(error)

    def _warn(self, error: OperationalError) -> None:
        log.warning("the database does not answer for devices", error=str(error)[:300])


def refusal(row: KernelDevice) -> str | None:
    """Why nothing may be run on a device, in words a person can act on; None where it may."""
    if row.quarantined_at is None:
        return None
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(row.quarantined_at))
    # The reason comes last: a check run shows the first 300 characters, and what to do must be among them.
    return (
        f"{row.name} has been in quarantine since {since}; when it is well, `{release_command(row.uuid)}` ends "
        f"that. The reason: {row.reason}"
    )


def release_command(uuid: str) -> str:
    return f"forgehand kernel devices --release {quote(uuid)}"


def still_qualified(row: KernelDevice) -> bool:
    """Whether it was qualified with the code that runs here and the software that it was last seen with."""
    return row.qualified_with == _qualification(code_digest(), row.software)


def _qualification(code: str, software: str) -> str:
    return hashlib.sha256(f"{code}\n{software}".encode()).hexdigest()


def _plain(text: str) -> str:
    """What a driver says, as one line that every database keeps."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
