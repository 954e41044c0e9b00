"""A device beside the processor that verifications run on: which it is, whether it is well, and who has it.

A worker of our own, in which nothing of a task or a candidate is, asks the device. What it finds decides whether
anything is run there, and after a verification that ended badly, whether anything may be run there again: a kernel that
broke its device must not cost the next candidate its verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kernels.messages import Json, ProtocolError

_MOST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Device:
    """`uuid`: as its driver names it, the same in every box. `software`: versions of what runs kernels on it, in a
    word. `state`: what its driver says of it now: clocks, temperature, what slows it.
    `architecture`: what code is compiled for, as `sm_90`; empty where nothing is compiled for it."""

    uuid: str
    name: str
    memory_bytes: int
    software: str
    state: Sequence[tuple[str, str]] = ()
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """`problems`: why nothing may be run on it, in words; empty when it computes, keeps what is written and its driver
    counts no errors that it could not correct."""

    device: Device
    problems: Sequence[str]


class Keeper(Protocol):
    """What an installation knows of its devices, and who of its verifications has which."""

    def take(self, device: Device) -> str | None:
        """Waits until no other verification has it. Ours until `give_back`; or why nothing may be run on it."""

    def give_back(self) -> None:
        """Lets the next one have what was taken. May be called where nothing was."""

    def quarantine(self, device: Device, why: str) -> None:
        """From now on nothing is run on it, until a person says so."""

    def qualified(self, device: Device) -> bool:
        """Whether our own corpus was judged rightly on it, with this code and this software."""


@dataclass(frozen=True, slots=True)
class Trusting:
    """A keeper to whom every device is a qualified one: for the run that is to qualify it."""

    keeper: Keeper

    def take(self, device: Device) -> str | None:
        return self.keeper.take(device)

    def give_back(self) -> None:
        self.keeper.give_back()

    def quarantine(self, device: Device, why: str) -> None:
        self.keeper.quarantine(device, why)

    def qualified(self, device: Device) -> bool:
        return True


def read_health(head: Json) -> Health:
    """What `kernels.worker.checking_device` answers. ProtocolError for anything else."""
    match head:
        case {
            "uuid": str(uuid), "name": str(name), "memory": int(memory), "software": str(software),
            "architecture": str(architecture), "state": list(state), "problems": list(problems),
        } if 0 < len(uuid) <= 100 and memory > 0:  # fmt: skip
            if not all(isinstance(one, str) for one in problems):
                raise ProtocolError("problems of a device that are no text")
            pairs = []
            for one in state:
                match one:
                    case [str(key), str(value)]:
                        pairs.append((key[:_MOST_TEXT], value[:_MOST_TEXT]))
                    case _:
                        raise ProtocolError("a state of a device that is no text")
            found = Device(uuid, name[:_MOST_TEXT], memory, software[:_MOST_TEXT], tuple(pairs), architecture[:20])
            return Health(found, [one[:_MOST_TEXT] for one in problems])
    raise ProtocolError("it does not say which device it has")
