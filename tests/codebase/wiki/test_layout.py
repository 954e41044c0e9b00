"""A drawing's layout: boxes apart, arrows from the one that uses to the one that is used, and around other boxes."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebase.wiki.layout import BOX_HEIGHT, Layout, Line, Placed, lay_out

KEYS = [f"part{number}" for number in range(30)]
graphs = st.tuples(
    st.dictionaries(st.sampled_from(KEYS), st.floats(60, 220), max_size=30),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS), st.integers(1, 50)), max_size=90),
    st.sampled_from([100.0, 300.0, 900.0]),
)


def overlap(one: Placed, other: Placed) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def crosses(line: Line, box: Placed) -> bool:
    """Whether a straight piece within a layer, a lane, runs through a box. Between layers there are no boxes."""
    return any(
        abs(x1 - x2) < 1 and box.x < x1 < box.x + box.width and min(y1, y2) < box.y + box.height / 2 < max(y1, y2)
        for (x1, y1), (x2, y2) in zip(line.points, line.points[1:], strict=False)
        if abs(y1 - y2) == BOX_HEIGHT
    )


@settings(max_examples=150, deadline=None)
@given(graphs)
def test_nothing_overlaps_and_everything_is_inside(
    graph: tuple[dict[str, float], list[tuple[str, str, int]], float],
) -> None:
    widths, arrows, widest = graph
    found = lay_out(widths, arrows, widest)
    assert sorted(box.key for box in found.boxes) == sorted(widths)
    for one, other in combinations(found.boxes, 2):
        assert not overlap(one, other), (one, other)
    for box in found.boxes:
        assert box.x >= 0
        assert box.x + box.width <= found.width + 0.2
        assert box.y + box.height <= found.height
    for line in found.lines:
        assert not any(crosses(line, box) for box in found.boxes)
        assert line.points[0][1] != line.points[1][1], "an arrow within a layer runs through what stands between"
        for x, y in line.points:
            assert 0 <= x <= found.width + 0.2
            assert 0 <= y <= found.height


@settings(max_examples=100, deadline=None)
@given(graphs)
def test_every_arrow_is_drawn_and_points_at_its_end(
    graph: tuple[dict[str, float], list[tuple[str, str, int]], float],
) -> None:
    widths, arrows, widest = graph
    found = lay_out(widths, arrows, widest)
    wanted = {(start, end) for start, end, _ in arrows if start in widths and end in widths and start != end}
    assert reached(found) == wanted


def reached(found: Layout) -> set[tuple[str, str]]:
    """Which box leads to which, by following the lines from box to box."""
    at = {}
    for box in found.boxes:
        for part in (0.5, 0.75):
            at[round(box.x + box.width * part), box.y] = box.key
            at[round(box.x + box.width * part), box.y + BOX_HEIGHT] = box.key

    def box_at(point: tuple[float, float]) -> str | None:
        return next((at[x, point[1]] for x in (round(point[0]), round(point[0]) - 1, round(point[0]) + 1)
                     if (x, point[1]) in at), None)  # fmt: skip

    result = set()
    for line in found.lines:
        start = box_at(line.points[0])
        if start is None:
            continue
        ends, here = {line.points[-1]}, [line]
        while here:
            one = here.pop()
            if one.head:
                end = box_at(one.points[-1])
                assert end is not None
                result.add((start, end))
                continue
            following = [
                other for other in found.lines if other.points[0] == one.points[-1] and box_at(other.points[0]) is None
            ]
            assert following, "a line that ends nowhere"
            here += [other for other in following if other.points[-1] not in ends]
            ends |= {other.points[-1] for other in following}
    return result


def test_users_stand_above_what_they_use() -> None:
    found = lay_out({"b": 80, "a": 80, "c": 80}, [("a", "b", 1), ("b", "c", 1), ("a", "c", 3)], 900)
    y = {box.key: box.y for box in found.boxes}
    assert y["a"] < y["b"] < y["c"]
    assert not any(line.back for line in found.lines)


def test_the_lightest_arrow_of_a_cycle_runs_upwards() -> None:
    found = lay_out({"a": 80, "b": 80}, [("a", "b", 9), ("b", "a", 1)], 900)
    assert sorted(line.back for line in found.lines) == [False, True]
    y = {box.key: box.y for box in found.boxes}
    assert y["a"] < y["b"]


def test_the_same_drawing_twice() -> None:
    arrows = [(KEYS[a], KEYS[b], a + b) for a in range(12) for b in range(12) if (a * 7 + b * 3) % 5 == 0]
    widths = dict.fromkeys(KEYS[:12], 100.0)
    assert lay_out(widths, arrows, 900) == lay_out(widths, list(reversed(arrows)), 900)


@pytest.mark.parametrize("widths", [{}, {"a": 100.0}, {"a": 100.0, "b": 90.0}])
def test_without_arrows(widths: dict[str, float]) -> None:
    found = lay_out(widths, [], 900)
    assert len(found.boxes) == len(widths)
    assert found.lines == ()
    assert found.height > 0
