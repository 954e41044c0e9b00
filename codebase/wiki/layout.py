"""Where the boxes and arrows of a drawing go: a layered layout. Pure and deterministic; lengths are SVG user units.

Users stand above what they use. Arrows that close a cycle run upwards. An arrow that passes a layer gets a lane of its
own through it, shared by all arrows to the same box, so that no line runs through a box it does not belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

BOX_HEIGHT = 44.0
LAYER_GAP = 46.0
SIDE_GAP = 22.0
MARGIN = 10.0
_LANE = 6.0  # width of a lane, beside SIDE_GAP
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """A box by its upper left corner."""

    key: str
    x: float
    y: float
    width: float
    height: float = BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """Points that a line goes through from layer to layer, vertical at each. `head`: it ends in an arrow's head.
    `back`: it runs upwards."""

    points: tuple[tuple[float, float], ...]
    head: bool
    back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    height: float
    boxes: tuple[Placed, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True)
class _Cell:
    """Something in a layer: a box, or the lane of the arrows to one."""

    key: tuple[str, ...]
    width: float
    above: list[_Cell] = field(default_factory=list)
    below: list[_Cell] = field(default_factory=list)
    x: float = 0.0  # of its middle
    place: int = 0


def lay_out(widths: Mapping[str, float], arrows: Sequence[tuple[str, str, int]], widest: float) -> Layout:
    """`widths` of the boxes, in the order in which they should stand where nothing else decides; `arrows` from user to
    used with their weights. Arrows of unknown boxes and from a box to itself are passed over. Boxes that stand beside
    each other are together at most `widest`, where one of them is not already; lanes come on top of that."""
    weights: dict[tuple[str, str], int] = defaultdict(int)
    for start, end, weight in arrows:
        if start in widths and end in widths and start != end:
            weights[start, end] += weight
    joined = {key for pair in weights for key in pair}
    alone = [key for key in widths if key not in joined]
    rank = _ranks(order([key for key in widths if key in joined], weights), weights, widths, widest)
    layers, ways = _cells(rank, weights, widths)
    _sort(layers)
    _spread(layers)
    return _drawn(layers, ways, alone, widths, widest)


def order(keys: Sequence[str], weights: Mapping[tuple[str, str], int]) -> list[str]:
    """The boxes in an order that few arrows run against (Eades, Lin and Smyth's heuristic, 1993)."""
    out: dict[str, dict[str, int]] = {key: {} for key in keys}
    into: dict[str, dict[str, int]] = {key: {} for key in keys}
    for (start, end), weight in weights.items():
        out[start][end] = into[end][start] = weight
    left = dict.fromkeys(keys)
    first: list[str] = []
    last: list[str] = []

    def take(key: str, to: list[str]) -> None:
        to.append(key)
        del left[key]
        for other in out[key]:
            into[other].pop(key, None)
        for other in into[key]:
            out[other].pop(key, None)

    while left:
        sink = next((key for key in left if not out[key]), None)
        source = next((key for key in left if not into[key]), None)
        if sink is not None:
            take(sink, last)
        elif source is not None:
            take(source, first)
        else:
            take(max(left, key=lambda key: sum(out[key].values()) - sum(into[key].values())), first)
    return first + last[::-1]


def _ranks(
    ordered: Sequence[str], weights: Mapping[tuple[str, str], int], widths: Mapping[str, float], widest: float
) -> dict[str, int]:
    """Each box's layer: as high as it can stand below all that use it, in a layer whose boxes are not yet too wide."""
    position = {key: number for number, key in enumerate(ordered)}
    users: dict[str, list[str]] = defaultdict(list)
    joined: dict[str, list[str]] = defaultdict(list)
    for start, end in weights:
        joined[start].append(end)
        joined[end].append(start)
        if position[start] < position[end]:
            users[end].append(start)
    rank: dict[str, int] = {}
    filled: dict[int, float] = defaultdict(float)
    for key in ordered:
        taken = {rank[other] for other in joined[key] if other in rank}  # an arrow within a layer could not be drawn
        at = max((rank[user] + 1 for user in users[key]), default=0)
        while at in taken or (filled[at] and filled[at] + widths[key] > widest):
            at += 1
        rank[key] = at
        filled[at] += widths[key] + SIDE_GAP
    return rank


def _cells(
    rank: Mapping[str, int], weights: Mapping[tuple[str, str], int], widths: Mapping[str, float]
) -> tuple[list[list[_Cell]], list[list[_Cell]]]:
    """The layers with their boxes and lanes, and each arrow's way: the cells from its lower to its higher layer."""
    layers: list[list[_Cell]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    cells: dict[tuple[str, ...], _Cell] = {}

    def cell(key: tuple[str, ...], layer: int, width: float) -> _Cell:
        if key not in cells:
            cells[key] = _Cell(key, width)
            layers[layer].append(cells[key])
        return cells[key]

    for key, layer in rank.items():
        cell(("box", key), layer, widths[key])
    ways: list[list[_Cell]] = []
    for start, end in sorted(weights, key=lambda pair: (rank[pair[0]], rank[pair[1]], pair)):
        down = rank[start] < rank[end]
        step = 1 if down else -1
        lanes = [
            cell(("down" if down else "up", end, str(layer)), layer, _LANE)
            for layer in range(rank[start] + step, rank[end], step)
        ]
        way = [cells["box", start], *lanes, cells["box", end]]
        ways.append(way)
        for one, other in pairwise(way):
            upper, lower = (one, other) if down else (other, one)
            if lower not in upper.below:
                upper.below.append(lower)
                lower.above.append(upper)
    return layers, ways


def _sort(layers: list[list[_Cell]]) -> None:
    """Orders each layer by the middle of what its cells are joined to; the order with the fewest crossings stays."""
    best: tuple[int, list[list[_Cell]]] | None = None
    for sweep in range(_SWEEPS):
        for layer in layers:
            for number, cell in enumerate(layer):
                cell.place = number
        crossings = _crossings(layers)
        if best is None or crossings < best[0]:
            best = crossings, [list(layer) for layer in layers]
        downwards = sweep % 2 == 0
        for layer in layers if downwards else reversed(layers):
            for cell in layer:
                near = cell.above if downwards else cell.below
                cell.x = sum(one.place for one in near) / len(near) if near else float(cell.place)
            layer.sort(key=lambda cell: cell.x)
            for number, cell in enumerate(layer):
                cell.place = number
    if best is not None:
        layers[:] = best[1]


def _crossings(layers: Sequence[Sequence[_Cell]]) -> int:
    total = 0
    for layer in layers:
        ends = [below.place for cell in layer for below in sorted(cell.below, key=lambda one: one.place)]
        total += sum(1 for at, end in enumerate(ends) for other in ends[at + 1 :] if other < end)
    return total


def _spread(layers: Sequence[Sequence[_Cell]]) -> None:
    """Gives every cell its middle: as near to what it is joined to as its neighbours in the layer allow."""
    for layer in layers:
        at = 0.0
        for cell in layer:
            cell.x = at + cell.width / 2
            at += cell.width + SIDE_GAP
        for cell in layer:  # centred on zero, so that a narrow layer starts in the middle
            cell.x -= (at - SIDE_GAP) / 2
    # No layer goes beyond where the widest one has to.
    limit = max((-layer[0].x + layer[0].width / 2 for layer in layers), default=0.0)
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = []
            for cell in layer:
                near = (cell.above or cell.below) if sweep % 2 == 0 else (cell.below or cell.above)
                wanted.append(sum(one.x for one in near) / len(near) if near else cell.x)
            _settle(layer, wanted, limit)


def _settle(layer: Sequence[_Cell], wanted: Sequence[float], limit: float) -> None:
    """The places nearest to the wanted ones that keep order and gaps and stay within `limit` of the middle: isotonic
    regression by pooling neighbours."""
    offsets: list[float] = []
    at = 0.0
    for number, cell in enumerate(layer):
        at += (layer[number - 1].width + cell.width) / 2 + SIDE_GAP if number else 0.0
        offsets.append(at)
    pools: list[tuple[float, int]] = []  # mean of what is wanted, without the offsets, and of how many
    for want, offset in zip(wanted, offsets, strict=True):
        mean, size = want - offset, 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean, size = (before * others + mean * size) / (others + size), others + size
        pools.append((mean, size))
    least, most = layer[0].width / 2 - limit, limit - layer[-1].width / 2 - offsets[-1]
    means = [min(most, max(least, mean)) for mean, size in pools for _ in range(size)]
    for cell, mean, offset in zip(layer, means, offsets, strict=True):
        cell.x = mean + offset


def _drawn(
    layers: Sequence[Sequence[_Cell]],
    ways: Sequence[Sequence[_Cell]],
    alone: Sequence[str],
    widths: Mapping[str, float],
    widest: float,
) -> Layout:
    left = min((cell.x - cell.width / 2 for layer in layers for cell in layer), default=0.0)
    right = max((cell.x + cell.width / 2 for layer in layers for cell in layer), default=left)
    shift = MARGIN - left
    tops: dict[tuple[str, ...], float] = {}
    boxes: list[Placed] = []
    y = MARGIN
    for layer in layers:
        for cell in layer:
            tops[cell.key] = y
            if cell.key[0] == "box":
                boxes.append(Placed(cell.key[1], round(cell.x + shift - cell.width / 2, 1), y, cell.width))
        y += BOX_HEIGHT + LAYER_GAP
    lines = _lines(ways, tops, shift)
    # Boxes that nothing joins stand below, in rows of their own.
    x = MARGIN
    for key in alone:
        if x > MARGIN and x + widths[key] > widest:
            x, y = MARGIN, y + BOX_HEIGHT + SIDE_GAP
        boxes.append(Placed(key, x, y, widths[key]))
        x += widths[key] + SIDE_GAP
        right = max(right, x - SIDE_GAP - shift)
    bottom = max((box.y + box.height for box in boxes), default=0.0)
    return Layout(round(right + shift + MARGIN, 1), bottom + MARGIN, tuple(boxes), tuple(lines))


def _lines(ways: Sequence[Sequence[_Cell]], tops: Mapping[tuple[str, ...], float], shift: float) -> list[Line]:
    """Each piece between two layers once, however many arrows share it."""
    lines: dict[tuple[tuple[str, ...], tuple[str, ...]], Line] = {}
    for way in ways:
        back = tops[way[0].key] > tops[way[-1].key]
        for number, (one, other) in enumerate(pairwise(way)):
            from_box, to_box = number == 0, number == len(way) - 2
            # What runs upwards leaves and enters beside the middle, where the downward arrows are.
            x1 = one.x + shift + (one.width / 4 if back and from_box else 0.0)
            x2 = other.x + shift + (other.width / 4 if back and to_box else 0.0)
            y1 = tops[one.key] + (0.0 if back else BOX_HEIGHT)
            y2 = tops[other.key] + (BOX_HEIGHT if back else 0.0)
            points = [(x1, y1), (x2, y2)]
            if not to_box:  # through the lane to the layer's other side
                points.append((x2, tops[other.key] + (0.0 if back else BOX_HEIGHT)))
            rounded = tuple((round(x, 1), round(y, 1)) for x, y in points)
            lines.setdefault((one.key, other.key), Line(rounded, head=to_box, back=back))
    return list(lines.values())
