"""GPUs lent to boxes. The engine gives a device to whoever asks, so who has it is said by the boxes' own containers:
each names its devices in a label, and has them as long as it is there, whether it runs or not.

Boxes of one owner that name the same `together` word are one group and have the same devices; a box without a word is
a group of its own. Two boxes are against each other when they are of two groups and name the same device, or of one
group and do not name the same devices. No two that are against each other ever run at the same time:

A box's container is made with its devices named, and only then its maker looks at what all others name. It starts the
box when none is against it; otherwise it removes it and tries others. The engine enters one container after another.
Its list shows all that were entered before it was asked, but for those removed, and what was removed has ended. Of two
boxes against each other take the one that was entered later. Its maker looked after that: either it saw the other one
and did not start its own, or the other one was gone, and runs no more.

This takes no clock, no lock and no maker that lives on. What takes the engine's clock is only who gives way where
several meet (`fate`): all work it out from the same facts, and one of them always stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..contract import LimitUnenforceable, SandboxError, SandboxUnavailable
from .container import BOX, GPUS, OWNER, TOGETHER
from .engine import Container, Engine

_WHAT_TO_DO = (
    "Install NVIDIA's container toolkit on the engine's machine (nvidia-ctk runtime configure), or use kubernetes"
)
_PATIENCE_S = 10.0
"""How long a box waits for others that are being made: until they run or are gone, it is not known who has what."""
_LOOK_S = 0.05
_NOT_STARTED = ("created", "removing", "dead")
"""States of a container whose maker may still give way, or that is on its way out."""


@dataclass(frozen=True, slots=True)
class Borrower:
    """A box that asks for devices, or has them. `together`: its word, empty for none."""

    owner: str
    box: str
    together: str

    def is_with(self, other: Borrower) -> bool:
        """Whether they are of one group."""
        if self.owner != other.owner or self.together != other.together:
            return False
        return bool(self.together) or self.box == other.box


@dataclass(frozen=True, slots=True)
class Claim:
    """What one container says. `made` in seconds, by the engine's clock. `started`: nothing was against it."""

    container: str
    made: float
    borrower: Borrower
    devices: tuple[str, ...]
    started: bool

    def is_against(self, other: Claim) -> bool:
        if self.borrower.is_with(other.borrower):
            return self.devices != other.devices
        return not set(self.devices).isdisjoint(other.devices)

    def is_before(self, other: Claim) -> bool:
        return (self.made, self.container) < (other.made, other.container)


class Fate(Enum):
    """What becomes of a claim: the box may run; those against it give way, or show that they run; it gives way."""

    STAYS = auto()
    WAITS = auto()
    YIELDS = auto()


def check_means(info: Mapping[str, Any], devices: Sequence[str]) -> None:
    """LimitUnenforceable when an engine, from its /info, has no GPUs to lend."""
    if "nvidia" not in info.get("Runtimes", {}):
        raise LimitUnenforceable("gpus", "the engine has no NVIDIA runtime", _WHAT_TO_DO)
    if not devices:
        raise LimitUnenforceable("gpus", "no device of the engine may be lent", "Name the devices that boxes may have")


def borrow(
    engine: Engine, devices: Sequence[str], count: int, borrower: Borrower, make: Callable[[Sequence[str]], str]
) -> tuple[str, Sequence[str]]:
    """A container, not started yet, and the devices it has: those of the borrower's group, else `count` of `devices`
    that no other box of this engine has. `make` makes the container for the devices it is told, and names them in it.

    SandboxUnavailable when there are not so many, SandboxError when the group has another number of them, Refused.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        if wanted := choose(_claims(engine), devices, count, borrower):
            container = make(wanted)
            with ExitStack() as undo:
                undo.callback(engine.remove, container)
                if _stays(engine, container, until):
                    undo.pop_all()
                    return container, wanted
        if time.monotonic() > until:
            raise _none_free(count, devices)
        time.sleep(_LOOK_S)  # another maker starts its container or removes it; to the engine's events we do not listen


def choose(claims: Sequence[Claim], devices: Sequence[str], count: int, borrower: Borrower) -> tuple[str, ...] | None:
    """The devices to name; None when that is not known before some of the `claims` have started or are gone.

    SandboxUnavailable, SandboxError.
    """
    # A container of the box's own name is a remnant, which makes room, or a living box, of which `make` tells.
    others = [one for one in claims if (one.borrower.owner, one.borrower.box) != (borrower.owner, borrower.box)]
    if mates := [one for one in others if one.borrower.is_with(borrower)]:
        # No two that stay are against each other: any one will do.
        staying = next((one for one in mates if fate(one, claims) is not Fate.YIELDS), None)
        if staying and len(staying.devices) != count:
            raise SandboxError(
                f"the box {borrower.box} cannot be made",
                f"it asks for {count} GPUs, and those it is together with ({borrower.together}) "
                f"have {len(staying.devices)}",
                "Ask for as many as they have, or name another word",
            )
        return staying.devices if staying else None
    named = {device for one in others for device in one.devices}
    lent = {device for one in others if one.started for device in one.devices}
    if sum(device not in lent for device in devices) < count:
        raise _none_free(count, devices)
    free = [device for device in devices if device not in named]
    return tuple(free[:count]) if len(free) >= count else None


def fate(claim: Claim, claims: Sequence[Claim]) -> Fate:
    """Of a claim among all. The engine's clock decides between those that have not started, then their ids."""
    against = [one for one in claims if one.is_against(claim)]
    if claim.started or not against:
        return Fate.STAYS
    return Fate.YIELDS if any(one.started or one.is_before(claim) for one in against) else Fate.WAITS


def _stays(engine: Engine, container: str, until: float) -> bool:
    """Whether a container that was made may be started; by `until` it is decided. SandboxUnavailable, Refused."""
    while True:
        claims = _claims(engine)
        mine = next((one for one in claims if one.container == container), None)
        if mine is None:
            raise SandboxUnavailable("no box can be made", "its container was removed while it was made", "Try again")
        found = fate(mine, claims)
        if found is not Fate.WAITS or time.monotonic() > until:
            return found is Fate.STAYS
        time.sleep(_LOOK_S)  # an older claim is decided first: its maker starts that container or removes it


def _claims(engine: Engine) -> list[Claim]:
    """All there are on the engine, whoever made them. Refused."""
    return [_claim(found) for found in engine.containers([GPUS]) if found["Labels"][GPUS]]


def _claim(found: Container) -> Claim:
    labels = found["Labels"]
    return Claim(
        found["Id"],
        float(found["Created"]),
        Borrower(labels.get(OWNER, ""), labels.get(BOX, ""), labels.get(TOGETHER, "")),
        tuple(labels[GPUS].split(",")),
        found["State"] not in _NOT_STARTED,
    )


def _none_free(count: int, devices: Sequence[str]) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"no box with {count} of this engine's {len(devices)} GPUs", "other boxes have them", "Try again later"
    )
