"""Whether a worker's own clock can be believed: the broker's, over runs of two lengths, says how long a call takes.

A clock of the candidate's process is precise and hostile, the broker's is honest and counts messages too. What a call
costs is the slope between two lengths. What asking costs besides is known from the baseline, which is asked in the same
way by the same loader and has no reason to lie: where that is not what asking for nothing costs, the machine is too
busy to convict or to believe anybody.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kernels import statistics
from kernels.bench import Judged
from kernels.session import Clocked, Session
from kernels.verdicts import Stage, Verdict

_TRIES, _CONVICTING = 5, 3
_RUNS, _FEW_RUNS = 5, 2
_RESOLUTION_S = 50e-6
_QUIET_S = 100e-6
_SLOW_S = 0.2
_LEAST_S = 1e-9


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds a call: by the broker's clock, of which asking costs `once`, and as the worker tells."""

    wall: float
    once: float
    told: float

    def within(self, seconds: float) -> bool:
        return abs(self.wall - self.once - self.told) < seconds

    @property
    def quiet(self) -> bool:
        """Of a baseline: its clocks say the same, so that those of another can be held against each other here."""
        return self.within(_QUIET_S) or statistics.clocks_agree(self.told, self.wall, self.once, 0.95)

    def agree(self, baseline: Clocks) -> bool:
        """Whether these can be true where the baseline's are as far apart as they are: nobody is held to more than
        that, nor to more than a wall clock with a message in between can tell."""
        apart = abs(baseline.wall - baseline.once - baseline.told)
        return self.within(_RESOLUTION_S + 2 * apart) or statistics.clocks_agree(self.told, self.wall, self.once)

    @property
    def longest(self) -> float:
        """What a call takes by the clock that is less favourable."""
        return max(self.told, self.wall - self.once)


@dataclass(frozen=True, slots=True)
class Checked:
    """`could_tell`: this machine was quiet enough for the candidate's clocks to be held against each other. `gain`: how
    much faster than the baseline the candidate is by its less favourable clock. Where the machine was busy, that is the
    middle one of several tries, all of what the machine itself took being counted as the candidate's."""

    candidate: Clocks
    gain: float
    could_tell: bool


def checked(session: Session, calls: int) -> Checked:
    """Judged when the candidate's clocks disagree every time, and most times only they. `calls` in a long run, at least
    two."""
    quiet = agreed = 0
    gains: list[float] = []
    for _ in range(_TRIES):
        candidate, baseline = _measured(session, calls)
        gains.append(baseline.told / max(candidate.longest, _LEAST_S))
        if baseline.quiet and candidate.agree(baseline):
            return Checked(candidate, gains[-1], could_tell=True)
        quiet += baseline.quiet
        agreed += candidate.agree(baseline)
    if quiet < _CONVICTING or agreed:
        return Checked(candidate, sorted(gains)[_TRIES // 2], could_tell=False)
    raise Judged(
        Verdict.timing_inconsistent,
        Stage.time,
        f"it tells {candidate.told:.3g} s a call, by the clock outside it is {candidate.wall:.3g} s of which asking "
        f"costs {candidate.once:.3g} s, in {_TRIES} of {_TRIES} tries; the baseline's two clocks agree",
    )


def _measured(session: Session, calls: int) -> tuple[Clocks, Clocks]:
    """Of candidate and baseline, from the quickest of several runs of two lengths: it was disturbed least."""
    few, many = max(1, calls // 4), calls
    short = [session.both(session.plan(few)) for _ in range(_RUNS)]
    slow = min(sum(one.told) for _, one in short) > _SLOW_S * few
    runs = _FEW_RUNS if slow else _RUNS
    long = [session.both(session.plan(many)) for _ in range(runs)]
    nothing = max(0.0, statistics.slope((few, _idle(session, few)), (many, _idle(session, many))))
    wall, told = _slopes((few, [one for _, one in short]), (many, [one for _, one in long]))
    baseline = Clocks(wall, nothing, told)
    once = max(0.0, wall - told) if baseline.quiet else nothing
    wall, told = _slopes((few, [one for one, _ in short]), (many, [one for one, _ in long]))
    return Clocks(wall, once, told), baseline


def _slopes(few: tuple[int, Sequence[Clocked]], many: tuple[int, Sequence[Clocked]]) -> tuple[float, float]:
    """Seconds a call by the broker's clock, and as told."""
    ends = [(calls, min((one.wall, sum(one.told)) for one in runs)) for calls, runs in (few, many)]
    (short, least), (long, most) = ends
    return (
        statistics.slope((short, least[0]), (long, most[0])),
        statistics.slope((short, least[1]), (long, most[1])),
    )


def _idle(session: Session, calls: int) -> float:
    best = float("inf")
    for _ in range(_RUNS):
        plan = session.plan(calls)
        began = time.perf_counter()
        session.baseline.idle(plan)
        best = min(best, time.perf_counter() - began)
    return best
