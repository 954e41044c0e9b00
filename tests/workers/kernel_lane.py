"""The kernel lane on a floor: looks and verifications driven by hand, against the twin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from store.schema import KernelCheck, KernelLook
from tests.workers.floor import Floor, furnished_floor
from tests.workers.kernel_ground import BASE, Ground, check_runs
from workers.kernel_checks.looking import Lookout
from workers.kernel_checks.verifying import Verifier


@dataclass
class Lane:
    """The kernel lane on a floor: looks and verifications driven by hand."""

    floor: Floor
    ground: Ground
    lookout: Lookout
    verifier: Verifier
    rung: list[str]

    @property
    def repository(self) -> str:
        return self.floor.stage.repository

    def take_in(self) -> None:
        """Everything GitHub sent has come through the relay."""
        self.floor.take_in(lambda: self.floor.taken == len(self.floor.receiver.bodies))

    def go(self) -> None:
        """Deliveries, looks, doorbells, verifications, until there is nothing to do now."""
        self.take_in()
        self.lookout.turn()
        while self.rung:
            self.verifier.run(self.rung.pop(0))

    def runs(self, sha: str) -> list[dict[str, Any]]:
        return check_runs(self.floor.maria, self.repository, sha)

    def rows(self) -> list[KernelCheck]:
        with self.floor.workshop.database.read() as session:
            found = list(session.scalars(select(KernelCheck).order_by(KernelCheck.created_at)))
            session.expunge_all()
            return found

    def looks(self) -> list[KernelLook]:
        with self.floor.workshop.database.read() as session:
            found = list(session.scalars(select(KernelLook).order_by(KernelLook.created_at)))
            session.expunge_all()
            return found

    def comments(self, number: int) -> list[str]:
        found = self.floor.maria.ask("GET", f"/repos/{self.repository}/issues/{number}/comments")
        return [one["body"] for one in found if one["user"]["login"].endswith("[bot]")]

    def again(self) -> Lane:
        """Another worker process on the same floor."""
        workshop = replace(self.floor.workshop, owner="another")
        return replace(self, lookout=Lookout(workshop, self.floor.app), verifier=Verifier(workshop, self.floor.app))


@contextmanager
def lane(folder: Path, files: Mapping[str, str | None] | None = None, **settings: Any) -> Iterator[Lane]:
    with furnished_floor(folder, model_prices={}, model="", **settings) as floor:
        floor.twin.controls().ci(False)
        rung: list[str] = []
        floor.workshop = replace(floor.workshop, ring_kernels=rung.append)
        ground = Ground(floor.stage, floor.maria, folder / "clone")
        ground.put_on_main(BASE if files is None else files)
        made = Lane(floor, ground, Lookout(floor.workshop, floor.app), Verifier(floor.workshop, floor.app), rung)
        yield made
