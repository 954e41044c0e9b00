"""How often timing is wrong: `python -m evals.kernel_timing [--sessions N] [--chart FILE] [--json]`.

Sessions of a simulated machine go through the lane's own statistics (`kernels.statistics.decide`: blocks in turns, the
interval, the smallest effect, twice the blocks where nothing can be said). The machine's clock has levels that differ
by 2% and change at any time, within a run too; every call jitters by 0.7%, and one in fifty takes up to 1.6 times as
long. Processes may differ as well: the same program is a little faster in one than in another, by where its memory
lies, which no number of blocks shows. For that, what is `faster` is measured again in other processes, as the broker
does. Beside it what a mean of a hundred calls each, one program after the other, says of the same machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.bars import Bar, drawn
from kernels.racing import LITTLE
from kernels.statistics import Speed, Turn, decide

CALLS = 20
"""Calls in a run: at a tenth of a millisecond to one, as many as the lane makes."""
LEVEL, JITTER, LATE, LATEST = 0.02, 0.007, 0.02, 1.6
_HALVES = 2


@dataclass(frozen=True, slots=True)
class Machine:
    """`dwell`: calls that a level of the clock lasts, in the mean. `process`: by how much the same program differs from
    process to process, a standard deviation."""

    dwell: int = 100
    process: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Of `sessions`, the share of each word. `confirmed`, `twice`: `faster` in two and in three pairs of processes, one
    after the other; where the gain is large, as the broker has it, two are enough for both.
    `in_a_row`: what a mean of a hundred calls each, not in turns, would have called more than 2% faster."""

    machine: Machine
    gain: float
    sessions: int
    words: dict[str, float]
    confirmed: float
    twice: float
    in_a_row: float
    ratio_sd: float


class Clock:
    """Times of calls on one machine, whose level changes now and then."""

    def __init__(self, machine: Machine, dice: np.random.Generator) -> None:
        self._machine, self._dice = machine, dice
        self._level = 1 + LEVEL * dice.standard_normal()

    def calls(self, seconds: float, count: int) -> list[float]:
        dice = self._dice
        levels = np.empty(count)
        for one in range(count):
            if dice.random() < 1 / self._machine.dwell:
                self._level = 1 + LEVEL * dice.standard_normal()
            levels[one] = self._level
        late = np.where(dice.random(count) < LATE, dice.uniform(1, LATEST, count), 1.0)
        return list(seconds * levels * (1 + JITTER * dice.standard_normal(count)) * late)

    def process(self, seconds: float) -> float:
        """What a program takes in a new process."""
        return float(seconds * np.exp(self._machine.process * self._dice.standard_normal()))


def word(machine: Machine, gain: float, dice: np.random.Generator) -> tuple[Speed, float]:
    """What one race says, in a pair of new processes, and the ratio it found."""
    clock = Clock(machine, dice)
    baseline, candidate = clock.process(1e-3), clock.process(1e-3 / gain)

    def turn() -> Turn:
        calls = [round(CALLS * dice.uniform(0.7, 1.3)) for _ in range(_HALVES)]
        return Turn(clock.calls(baseline, calls[0]), clock.calls(candidate, calls[1]), clock.calls(baseline, calls[1]))

    found = decide(turn, int(dice.integers(1 << 30)))
    return found.speed, found.found.ratio


def rates(machine: Machine, gain: float, sessions: int, seed: int = 2026) -> Rates:
    dice = np.random.default_rng(seed)
    found = [word(machine, gain, dice) for _ in range(sessions)]
    counted = Counter(one.value for one, _ in found)
    again = [one for one in found if one[0] is Speed.faster and word(machine, gain, dice)[0] is Speed.faster]
    twice = [one for one in again if one[1] >= LITTLE or word(machine, gain, dice)[0] is Speed.faster]
    in_a_row = sum(_in_a_row(machine, gain, dice) > 1.02 for _ in range(sessions))
    return Rates(
        machine,
        gain,
        sessions,
        {one.value: counted[one.value] / sessions for one in Speed},
        len(again) / sessions,
        len(twice) / sessions,
        in_a_row / sessions,
        float(np.std([ratio for _, ratio in found])),
    )


def _in_a_row(machine: Machine, gain: float, dice: np.random.Generator) -> float:
    clock = Clock(machine, dice)
    baseline, candidate = clock.process(1e-3), clock.process(1e-3 / gain)
    return float(np.mean(clock.calls(baseline, 100)) / np.mean(clock.calls(candidate, 100)))


MACHINES = (Machine(10), Machine(100), Machine(1000), Machine(100, 0.01), Machine(100, 0.02))
GAINS = (1.0, 1.02, 1.05, 1.1)


def all_rates(sessions: int, machines: Sequence[Machine] = MACHINES) -> Iterator[Rates]:
    for machine in machines:
        for gain in GAINS:
            yield rates(machine, gain, sessions)


def as_document(found: Sequence[Rates], seconds: float) -> dict[str, Any]:
    return {
        "model": {"level_sd": LEVEL, "jitter_sd": JITTER, "late": LATE, "latest": LATEST, "calls": CALLS},
        "seconds": round(seconds, 1),
        "rates": [
            {
                "dwell_calls": one.machine.dwell,
                "process_sd": one.machine.process,
                "gain": one.gain,
                "sessions": one.sessions,
                **{name: round(share, 4) for name, share in one.words.items()},
                "faster_confirmed": round(one.confirmed, 4),
                "faster_confirmed_twice": round(one.twice, 4),
                "in_a_row_over_2_percent": round(one.in_a_row, 4),
                "ratio_sd": round(one.ratio_sd, 5),
            }
            for one in found
        ],
    }


def picture(found: Sequence[Rates]) -> str:
    """What is wrongly called faster, in percent, beside a measurement that is not in turns."""
    same = [one for one in found if one.gain == 1.0]
    sessions = same[0].sessions
    bars = [Bar(f"forgehand, {_of(one)}", _percent(one.twice, sessions), "drift 2%, full verification") for one in same]
    bars += [Bar(f"in a row, {_of(one)}", _percent(one.in_a_row, sessions), "two means of 100 calls") for one in same]
    return drawn(f"Identical programs called faster, percent of {sessions:,} sessions", bars)


def _of(one: Rates) -> str:
    return f"processes {one.machine.process:.0%}" if one.machine.process else f"dwell {one.machine.dwell}"


def _percent(share: float, sessions: int) -> float:
    """A logarithm has no nought: none of so many is drawn as half a one."""
    return 100 * max(share, 0.5 / sessions)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--chart", type=Path, help="draw the rates into this SVG file")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    began = time.monotonic()
    found: list[Rates] = []
    for one in all_rates(arguments.sessions):
        found.append(one)
        if not arguments.json:
            shares = {**one.words, "confirmed": one.confirmed, "twice": one.twice, "in a row": one.in_a_row}
            told = "  ".join(f"{name} {share:.2%}" for name, share in shares.items())
            print(f"{_of(one)}, gain {one.gain}: {told}; sd {one.ratio_sd:.3%}", flush=True)
    if arguments.chart:
        arguments.chart.write_text(picture(found))
    if arguments.json:
        print(json.dumps(as_document(found, time.monotonic() - began), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
