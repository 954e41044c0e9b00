"""Which window a phase runs in follows from the task's data alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent import Phase
from workers import windows

PHASES = st.lists(st.sampled_from(list(Phase)), min_size=1, unique=True)


def test_the_first_round_opens_the_first_window():
    data = windows.next_round({}, Phase.research, Phase.plan)
    assert windows.name(data, Phase.research) == "1/research#1"
    assert windows.name(data, Phase.plan) == "1/plan#1"


def test_a_later_round_counts_only_the_phases_that_run_in_it():
    data = windows.next_round({}, Phase.implement, Phase.prove)
    data = windows.next_round(data, Phase.repair)
    data = windows.next_round(data, Phase.implement)
    assert windows.name(data, Phase.implement) == "3/implement#2"
    assert windows.name(data, Phase.repair) == "3/repair#1"
    assert data["windows"]["prove"] == 1


@given(st.lists(PHASES, max_size=8))
def test_no_window_is_named_twice(rounds):
    data: dict[str, Any] = {}
    seen: list[str] = []
    for phases in rounds:
        data = windows.next_round(data, *phases)
        seen += [windows.name(data, phase) for phase in phases]
    assert len(set(seen)) == len(seen)
