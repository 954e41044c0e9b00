"""Percentiles by nearest rank: each is a time that was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.measuring.spread import middle, spread


@pytest.mark.parametrize(
    ("seconds", "p50", "p90", "p99"),
    [
        ([0.002], 2, 2, 2),
        ([0.003, 0.001, 0.002], 2, 3, 3),
        ([n / 1000 for n in range(1, 101)], 50, 90, 99),
        ([n / 1000 for n in range(100, 0, -1)], 50, 90, 99),
        ([0.0] * 99 + [1.0], 0, 0, 0),
        ([0.0] * 98 + [1.0] * 2, 0, 0, 1000),
    ],
)
def test_percentiles(seconds, p50, p90, p99):
    found = spread(seconds)
    assert (found.p50, found.p90, found.p99) == pytest.approx((p50, p90, p99))
    assert found.n == len(seconds)


def test_nothing_has_no_percentiles():
    with pytest.raises(ValueError, match="nothing"):
        spread([])


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=50))
def test_they_are_measured_times_in_order(seconds):
    found = spread(seconds)
    assert {found.p50, found.p90, found.p99} <= {second * 1000 for second in seconds}
    assert found.p50 <= found.p90 <= found.p99
    assert middle(seconds) == pytest.approx(found.p50 / 1000)
