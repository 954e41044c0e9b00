"""Devices that kernels are verified on: which were seen, which are in quarantine, and on which our own corpus was
judged rightly, with what."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.schema import KernelDevice

_MOST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """`uuid`: the same wherever the device is seen. `software`: what runs kernels on it. `machine`: where it is, empty
    where that is not known."""

    uuid: str
    name: str
    software: str
    machine: str = ""


def see(session: Session, seen: Seen, *, now: float) -> KernelDevice:
    """The device's row, made if need be, as it is seen now. A machine that is not known leaves the one that was."""
    values: dict[str, Any] = {"name": seen.name, "software": seen.software, "seen_at": now}
    if seen.machine:
        values["machine"] = seen.machine
    if not _changed(session, seen.uuid, values):
        try:
            with session.begin_nested():
                session.add(KernelDevice(uuid=seen.uuid, **{"machine": ""} | values))
        except IntegrityError:  # another process saw it for the first time too
            if not _changed(session, seen.uuid, values):
                raise
    return session.get_one(KernelDevice, seen.uuid, populate_existing=True)


def _changed(session: Session, uuid: str, values: dict[str, Any]) -> bool:
    changed = update(KernelDevice).where(KernelDevice.uuid == uuid).values(**values).returning(KernelDevice.uuid)
    return session.execute(changed).one_or_none() is not None


def get(session: Session, uuid: str) -> KernelDevice | None:
    return session.get(KernelDevice, uuid)


def known(session: Session) -> list[KernelDevice]:
    """Those in quarantine first, then by machine."""
    healthy = KernelDevice.quarantined_at.is_(None)
    return list(session.scalars(select(KernelDevice).order_by(healthy, KernelDevice.machine, KernelDevice.uuid)))


def in_quarantine(session: Session) -> list[KernelDevice]:
    rows = select(KernelDevice).where(KernelDevice.quarantined_at.is_not(None))
    return list(session.scalars(rows.order_by(KernelDevice.quarantined_at, KernelDevice.uuid)))


def quarantine(session: Session, seen: Seen, why: str, *, now: float) -> None:
    """Of a device that is in quarantine already, the first reason stays: what broke later may follow from it."""
    see(session, seen, now=now)
    session.execute(
        update(KernelDevice)
        .where(KernelDevice.uuid == seen.uuid, KernelDevice.quarantined_at.is_(None))
        .values(quarantined_at=now, reason=why[:_MOST_REASON])
    )


def release(session: Session, uuid: str) -> bool:
    """Ends the quarantine; False where there was none, or no such device."""
    released = session.execute(
        update(KernelDevice)
        .where(KernelDevice.uuid == uuid, KernelDevice.quarantined_at.is_not(None))
        .values(quarantined_at=None, reason=None)
        .returning(KernelDevice.uuid)
    )
    return released.one_or_none() is not None


def qualify(session: Session, seen: Seen, qualified_with: str, figures: dict[str, Any], *, now: float) -> None:
    """`qualified_with`: a digest of the code and the software. `figures`: of the run, as its JSON has them."""
    row = see(session, seen, now=now)
    row.qualified_with, row.qualified_at, row.figures = qualified_with, now, figures
    session.flush()
