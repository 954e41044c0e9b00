"""Machines are few: which stages need one, how many there may be, and waiting in line for one."""

import socket

from settings import Settings
from store import Stage, machines
from store.machines import FleetLimits, Place
from workers.decisions import Move, Wait
from workers.workshop import TaskContext

NEEDS_MACHINE = frozenset(
    {Stage.RESEARCHING, Stage.IMPLEMENTING, Stage.PROVING, Stage.REPAIRING, Stage.REVISING},
)
# Planning needs none, but what comes after it does: nobody should lose a place half way.
_KEEPS_MACHINE = NEEDS_MACHINE | {Stage.PLANNING}
LOOK_AGAIN_S = 3.0


def limits_of(settings: Settings) -> FleetLimits:
    return FleetLimits(
        fleet=settings.machines,
        installation=settings.machines_per_installation,
        repository=settings.machines_per_repository,
        node=settings.machines_per_node,
    )


def node_of(settings: Settings) -> str:
    """Where this worker's boxes are: its own host, or, on Kubernetes, wherever the scheduler finds room."""
    return "cluster" if settings.sandbox == "kubernetes" else settings.node_name or socket.gethostname()


def wait_in_line(context: TaskContext, stage: Stage) -> Wait | None:
    """None when the stage may begin; otherwise the wait, with the place in line for people to see."""
    limits = limits_of(context.settings)
    if stage not in NEEDS_MACHINE or not limits.any:
        return None
    node = node_of(context.settings)
    with context.database.write() as session:
        place = machines.ask(session, context.held, node, limits, now=context.now())
    if place is None:
        if context.task().data.get("in_line") is not None:
            context.remember(in_line=None)
        return None
    return Wait(LOOK_AGAIN_S, {"in_line": _as_json(place)})


def leave(context: TaskContext, decision: Move | Wait) -> None:
    """Gives the machine back when what comes next needs none; whoever waits in line keeps the place."""
    keeps = decision.there in _KEEPS_MACHINE if isinstance(decision, Move) else "in_line" in decision.remember
    if not keeps and limits_of(context.settings).any:
        with context.database.write() as session:
            machines.give_back(session, context.id)


def _as_json(place: Place) -> dict[str, int]:
    return {"number": place.number, "of": place.of}
