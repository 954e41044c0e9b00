"""The whole measurement of a backend. What is compared is measured in turns, so that a busy moment hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ..contract import Backend, SandboxError, SandboxSpec
from .boxes import first_command, idle_program, must, new_name, own_time, throughput, warm_claims
from .peers import Once, Peers
from .spread import Spread, spread
from .together import Together, together

OURS = "forgehand"
Told = Callable[[str, int, int], None]
"""Progress: what is being measured, how much of it is done, of how much."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often each thing is measured."""

    creations: int = 20
    commands: int = 500
    slow_commands: int = 50
    throughput: int = 5
    claims: int = 30
    boxes: int = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """`creations` and `commands`: by who does it, ours first. `program_ms`: what the program itself takes, which
    `commands` contain. `warm_claims`: None with `no_claims` saying why. `put`, `get`: MB/s."""

    isolation: str
    creations: Mapping[str, Spread]
    commands: Mapping[str, Spread]
    program_ms: float
    put: float
    get: float
    warm_claims: Spread | None
    no_claims: str
    at_once: Together
    at_once_first: Spread | None

    def overhead(self, who: str = OURS) -> Spread:
        """What a command takes beyond the program's own time."""
        whole = self.commands[who]
        own = self.program_ms
        return Spread(whole.p50 - own, whole.p90 - own, whole.p99 - own, whole.n)


def measure(backend: Backend, spec: SandboxSpec, rounds: Rounds, peers: Peers | None, told: Told) -> Figures:
    """Measures a backend, and the peers beside it. SandboxError when something does not work at all."""
    with backend.create(spec, name=new_name()) as box, ExitStack() as stack:
        program, isolation = idle_program(box), box.isolation
        program_s = own_time(box, program)
        others = stack.enter_context(peers.commands(program)) if peers else {}
        quick: dict[str, Once] = {OURS: lambda: must(box, [program])}
        commands = _in_turns({**quick, **others}, rounds.slow_commands if peers else 0, "commands", told)
        # The peers' figures need no more rounds; ours are cheap, and its 99th percentile needs many.
        ours = _in_turns(quick, rounds.commands, "commands, on our own", told)
        commands[OURS] = ours[OURS] if not peers else commands[OURS] + ours[OURS]
        put, get = throughput(box, rounds.throughput)
        told("throughput", 1, 1)
    starts: dict[str, Once] = {OURS: lambda: first_command(backend, spec, program)}
    creations = _in_turns({**starts, **(peers.starts(program) if peers else {})}, rounds.creations, "creations", told)
    try:
        claims = warm_claims(
            backend, spec, program, rounds.claims, lambda done: told("warm claims", done, rounds.claims)
        )
        no_claims = ""
    except SandboxError as error:
        claims, no_claims = [], str(error)
    at_once = together(backend, spec, program, rounds.boxes, lambda done: told("boxes at once", done, rounds.boxes))
    return Figures(
        isolation=isolation,
        creations={who: spread(seconds) for who, seconds in creations.items()},
        commands={who: spread(seconds) for who, seconds in commands.items() if seconds},
        program_ms=program_s * 1000,
        put=put,
        get=get,
        warm_claims=spread(claims) if claims else None,
        no_claims=no_claims,
        at_once=at_once,
        at_once_first=spread(at_once.first_commands) if at_once.first_commands else None,
    )


def _in_turns(once: Mapping[str, Once], rounds: int, what: str, told: Told) -> dict[str, list[float]]:
    """Each is done once a round, and once before that is not counted."""
    seconds: dict[str, list[float]] = {who: [] for who in once}
    if rounds:
        for do in once.values():
            do()
    for done in range(rounds):
        for who, do in _turned(list(once.items()), done):
            seconds[who].append(do())
        told(what, done + 1, rounds)
    return seconds


def _turned(items: Sequence[tuple[str, Once]], by: int) -> Sequence[tuple[str, Once]]:
    """Who comes first changes each round: nobody always measures what another one left behind."""
    by %= len(items)
    return [*items[by:], *items[:by]]
