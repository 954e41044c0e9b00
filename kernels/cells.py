"""Which inputs a candidate is tried with: distribution, shape and layout of each cell. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from kernels.distributions import DISTRIBUTIONS

QUICK, FULL = 24, 72
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """`shapes`: of each tensor input, None as the task declares them. `number` tells cells of one kind apart."""

    number: int
    distribution: str
    shapes: Shapes | None = None
    layout: str = "contiguous"

    def __str__(self) -> str:
        shape = "declared shape" if self.shapes is None else " ".join(str(list(one)) for one in self.shapes)
        return f"{self.distribution}, {shape}, {self.layout}"


def cells(
    count: int, shapes: Sequence[Shapes], layouts: Sequence[str], distributions: Sequence[str] | None
) -> tuple[Cell, ...]:
    """`count` cells, or more where every shape, layout and distribution needs one. Each distribution is drawn at the
    declared shape, which is the one that is timed. The task's own inputs (`declared`) have no other."""
    drawn = tuple(distributions or DISTRIBUTIONS)
    kinds = list(_kinds(drawn, shapes, layouts))
    return tuple(Cell(number, *kind) for number, kind in enumerate(islice(cycle(kinds), max(count, len(kinds)))))


def _kinds(
    distributions: Sequence[str], shapes: Sequence[Shapes], layouts: Sequence[str]
) -> Iterator[tuple[str, Shapes | None, str]]:
    for distribution in distributions:
        yield distribution, None, "contiguous"
    others = [one for one in distributions if one != "declared"]
    for number, shape in enumerate(shapes if others else ()):
        yield others[number % len(others)], shape, "contiguous"
        yield "integers" if "integers" in others else others[-1], shape, "contiguous"
    for layout in layouts:
        if layout != "contiguous":
            for distribution in (others or distributions)[:2]:
                yield distribution, None, layout
