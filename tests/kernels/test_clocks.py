"""Two clocks: which disagreement is the candidate's, and which the machine's."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import clocks
from kernels.bench import Judged
from kernels.clocks import Clocks, checked
from kernels.session import Clocked
from kernels.verdicts import Verdict


class Told:
    """A session whose calls take what is said here: no worker, since what is tested is who is believed. `lies`: what
    the candidate tells of a second that passes."""

    def __init__(
        self, call_s: float, *, lies: float = 1.0, baseline_lies: float = 1.0, idle_s: float = 1e-5, busy_s: float = 0.0
    ) -> None:
        """`busy_s`: what each call costs besides, which asking for nothing does not show."""
        self.call_s, self.lies, self.baseline_lies, self.idle_s = call_s, lies, baseline_lies, idle_s
        self.busy_s, self.runs = busy_s, 0

    def plan(self, calls: int) -> Sequence[int]:
        return range(calls)

    def both(self, plan: Sequence[int]) -> tuple[Clocked, Clocked]:
        self.runs += 1
        wall = 1e-3 + len(plan) * (self.call_s + self.idle_s + self.busy_s)
        return tuple(  # type: ignore[return-value]  # of two
            Clocked([self.call_s * share] * len(plan), wall) for share in (self.lies, self.baseline_lies)
        )


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_idle", lambda session, calls: 1e-3 + calls * session.idle_s)


@pytest.mark.parametrize("call_s", [1e-6, 1e-4, 1e-3, 0.1])
def test_who_tells_the_truth_is_believed_at_once(call_s: float) -> None:
    session = Told(call_s)
    found = checked(session, 40)  # type: ignore[arg-type]  # a session of numbers
    assert found.could_tell
    assert found.gain == pytest.approx(1)
    assert found.candidate.told == pytest.approx(call_s)
    assert found.candidate.wall == pytest.approx(call_s + 1e-5)
    assert found.candidate.once == pytest.approx(1e-5)
    assert session.runs == 10


def test_calls_that_take_long_are_repeated_less_often() -> None:
    session = Told(3.0)
    assert checked(session, 2).could_tell  # type: ignore[arg-type]  # a session of numbers
    assert session.runs == 7


@pytest.mark.parametrize("lies", [0.0001, 0.1, 0.7, 1.5, 100])
def test_a_clock_that_is_too_slow_or_too_fast_convicts(lies: float) -> None:
    with pytest.raises(Judged) as caught:
        checked(Told(1e-2, lies=lies), 40)  # type: ignore[arg-type]  # a session of numbers
    assert caught.value.verdict is Verdict.timing_inconsistent


def test_where_the_baselines_disagree_too_the_machine_is_too_busy() -> None:
    found = checked(Told(1e-2, lies=0.1, baseline_lies=0.1), 40)  # type: ignore[arg-type]  # a session of numbers
    assert not found.could_tell


def test_where_the_machine_is_busy_a_candidate_whose_clocks_agree_is_not_believed_either() -> None:
    found = checked(Told(1e-2, baseline_lies=0.1), 40)  # type: ignore[arg-type]  # a session of numbers
    assert not found.could_tell


def test_on_a_busy_machine_a_gain_is_what_the_outer_clock_shows_by_itself() -> None:
    """Whatever the machine takes for itself counts as the candidate's: it can only lose by that."""

    class Quicker(Told):
        def both(self, plan: Sequence[int]) -> tuple[Clocked, Clocked]:
            baseline = super().both(plan)[1]
            wall = 1e-3 + len(plan) * (self.call_s / 20 + self.idle_s + self.busy_s)
            return Clocked([self.call_s / 20] * len(plan), wall), baseline

    found = checked(Quicker(1e-3, busy_s=2e-4), 40)  # type: ignore[arg-type]  # a session of numbers
    assert not found.could_tell
    assert found.gain == pytest.approx(1e-3 / 2.5e-4)


@pytest.mark.parametrize(("lies", "gain"), [(0.85, 1.0), (1.0, 1.0), (1.15, 1 / 1.15)])
def test_what_a_worker_keeps_to_itself_within_what_clocks_may_differ_is_no_gain(lies: float, gain: float) -> None:
    found = checked(Told(1e-2, lies=lies), 40)  # type: ignore[arg-type]  # a session of numbers
    assert found.could_tell
    assert found.gain == pytest.approx(gain)


def test_what_asking_costs_the_baseline_too_is_nobodys_lie() -> None:
    found = checked(Told(5e-5, busy_s=9e-5), 40)  # type: ignore[arg-type]  # a session of numbers
    assert found.could_tell
    assert found.candidate.once == pytest.approx(1e-4)


@pytest.mark.parametrize("lies", [1.0, 0.1])
def test_a_machine_with_much_else_to_do_convicts_and_believes_nobody(lies: float) -> None:
    found = checked(Told(1e-4, lies=lies, busy_s=2e-4), 40)  # type: ignore[arg-type]  # a session of numbers
    assert not found.could_tell


QUIET = Clocks(wall=1.1e-4, once=1e-5, told=1e-4)


def test_below_what_a_clock_on_the_wall_can_tell_nothing_is_said() -> None:
    assert Clocks(wall=4e-5, once=0.0, told=1e-6).agree(QUIET)
    assert not Clocks(wall=4e-3, once=0.0, told=1e-6).agree(QUIET)


def test_nobody_is_held_to_more_than_the_baseline_keeps_to() -> None:
    """On a busy machine an honest candidate's clocks are as far apart as the baseline's."""
    found = Clocks(wall=3.3e-4, once=1e-5, told=2e-4)
    assert not found.agree(QUIET)
    assert found.agree(Clocks(wall=1.7e-4, once=1e-5, told=1e-4))


@given(st.floats(1e-7, 1.0), st.floats(0, 1e-3), st.floats(0.85, 1.15))
def test_what_differs_by_a_little_agrees(call_s: float, once: float, share: float) -> None:
    assert Clocks(wall=call_s + once, once=once, told=call_s * share).agree(QUIET)
