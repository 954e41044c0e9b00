"""The stage `time`: how fast is the candidate beside the baseline, on a machine whose clock drifts?

Each block is baseline, candidate, baseline: the two halves of the baseline against each other say what this machine
can tell apart at all. The candidate's process tells the time of each call, by a clock taken before the candidate was
there; the broker's own clock (`kernels.clocks`) says whether that can be true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels import clocks, statistics
from kernels.baseline import Baseline
from kernels.bench import CandidateSide, ReferenceSide
from kernels.roofline import CpuMachine, Floor
from kernels.session import Session, run
from kernels.statistics import Decision, Interval, Speed
from kernels.verdicts import Stage
from sandboxes.contract import SandboxError

_MOST_CALLS = 40
_BLOCK_S = 0.02
_KEPT_BYTES = 64 << 20
_OVERHEAD_S = 100e-6
_CLOCKED_S = 0.06
_FEWEST_CLOCKED = 8
_SLOW_S = 0.5
_LEAST_CALL_S = 2.0
_TIMES_AS_SLOW = 6.0


@dataclass(frozen=True, slots=True)
class Size:
    """Of an output: its bytes and how many tensors it has."""

    bytes: int
    tensors: int


@dataclass(frozen=True, slots=True)
class Roofline:
    """What the reference's call does, and the least that this machine could take for it with one thread."""

    bytes_moved: int
    operations: float
    machine: CpuMachine
    floor: Floor


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in seconds a call. `same`: the baseline against itself. `wall`: seconds a call by the broker's clock,
    `once`: what asking costs besides. `clocks_checked`: the machine was quiet enough for its two clocks to be held
    against each other; if not, nothing is said but a gain that the outer clock shows by itself. `gain_outside`: how
    much faster by the slower of the two clocks; `faster` is told only where this says so too. `calls` of the candidate,
    of which the outputs of `checked` were compared. `baseline`: its name; `baselines`: name and seconds a call of all
    that were tried, itself first.
    """

    speed: Speed
    found: Interval
    same: Interval
    smallest_effect: float
    baseline_s: float
    candidate_s: float
    wall_s: float
    once_s: float
    clocks_checked: bool
    gain_outside: float
    blocks: int
    calls: int
    checked: int
    baseline: str
    baselines: Sequence[tuple[str, float]] = ()
    baseline_note: str = ""
    roofline: Roofline | None = None

    @property
    def overhead_dominated(self) -> bool:
        """The baseline is so short that what is measured is mostly Python."""
        return self.baseline_s < _OVERHEAD_S


def measure(
    reference: ReferenceSide,
    baseline: Baseline,
    candidate: CandidateSide,
    distribution: str,
    size: Size,
    phase: str,
) -> Timing:
    """All are loaded and have the same weights. Judged, when an output is wrong or the clocks do not agree.

    `size` of one call's output: all outputs of a run are kept in the worker until it has been looked at.
    """
    candidate.stage = Stage.time
    _beside(baseline, candidate)
    session = Session(reference, baseline, candidate, distribution, phase, size.bytes, size.tensors)
    first = session.block(2)
    if np.median(first.last) < _SLOW_S:
        session.block(3)
        usual = float(np.median(run(baseline, session.plan(5), session.call_s).told))
        least, clocked = 3, _FEWEST_CLOCKED
    else:
        usual, least, clocked = float(np.median(first.last)), 1, 2
    session.call_s = min(session.call_s, max(_LEAST_CALL_S, _TIMES_AS_SLOW * usual))
    most = max(least, min(_MOST_CALLS, session.most, _KEPT_BYTES // max(1, size.bytes)))
    calls = max(least, min(most, round(_BLOCK_S / usual)))
    # The memory for a run's outputs is new once, to both, and costs more than many kernels.
    session.block(most if calls * 1.3 > most else round(calls * 1.3))
    decided = statistics.decide(
        lambda: session.block(max(least, min(most, round(calls * session.random.uniform(0.7, 1.3))))),
        session.random.randrange(1 << 30),
    )
    outside = clocks.checked(session, min(session.most, max(clocked, min(most, round(_CLOCKED_S / usual)))))
    known = outside.candidate
    return Timing(
        _believed(decided, outside),
        decided.found, decided.same, decided.effect,
        float(np.median([one for turn in decided.turns for one in (*turn.first, *turn.last)])),
        float(np.median([one for turn in decided.turns for one in turn.middle])),
        known.wall, known.once, outside.could_tell, outside.gain,
        blocks=len(decided.turns), calls=session.calls, checked=session.checked, baseline=baseline.name,
    )  # fmt: skip


def _beside(baseline: Baseline, candidate: CandidateSide) -> None:
    """SandboxError where the two are on machines or devices of their own: neither is faster than the other by what they
    take."""
    there, here = (
        (one.machine, *([one.device] if one.device else [])) for one in (baseline.side.worker, candidate.worker)
    )
    if there != here:
        why = f"its box is on {', '.join(here)} and the baseline's on {', '.join(there)}"
        raise SandboxError("a candidate cannot be timed", why, "Verify it again")


def _believed(decided: Decision, outside: clocks.Checked) -> Speed:
    """The word that the candidate's own times lead to, as far as the broker's clock bears it out: a process may tell
    up to a fifth less than it takes before its clocks count as disagreeing."""
    borne_out = outside.gain > 1 + decided.effect if decided.speed is Speed.faster else outside.could_tell
    return decided.speed if borne_out else Speed.ambiguous
