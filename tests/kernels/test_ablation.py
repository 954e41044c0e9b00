"""Kernels made to fail, left out and answered for: what an answer that is still right shows."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.ablation import MODES, Tried, concluded, read_tried
from kernels.broker import Broker
from kernels.cases import Case, read_cases
from kernels.findings import Tier
from kernels.messages import Json, ProtocolError
from kernels.verdicts import PASSED, Stage, Verdict

pytestmark = pytest.mark.xdist_group("kernels")
CASES: dict[str, Case] = {one.name: one for one in read_cases() if one.task.name in ("affine_relu", "softmax")}
ANY, NONE = None, ()


def tried(
    right: str = "", *, called: int = 1, filled: int = 1, whole: bool = True, calls: Mapping[str, int] | None = None
) -> dict[str, Tried]:
    """`right`: the modes in which the answer is right all the same."""
    counted = {"own.f": called} if calls is None else calls
    return {mode: Tried(called, filled, mode in right, whole, counted) for mode in MODES}


@pytest.mark.parametrize(
    ("seen", "allowed", "rules", "proof"),
    [
        # Honest: without its kernels the answer is wrong, whatever the task allows.
        (tried(), ANY, [], False),
        (tried(), NONE, [], False),
        (tried(filled=0), NONE, [], False),
        # Another way to the answer, which is a design where the library may compute.
        (tried("fail"), ANY, ["library_backed"], False),
        (tried("fail"), NONE, ["fallback_proved"], True),
        (tried("fail"), ("aten::mm",), ["fallback_proved"], True),
        (tried("fail skip"), ANY, ["library_backed"], False),
        # No effect: left out, or answered for, the answer is the same.
        (tried("skip"), ANY, ["kernel_without_effect"], False),
        (tried("skip"), NONE, ["kernel_without_effect"], True),
        (tried("spoil"), ANY, ["kernel_without_effect"], False),
        (tried("spoil"), NONE, ["kernel_without_effect"], True),
        (tried("skip spoil"), NONE, ["kernel_without_effect"], True),
        # Handed addresses, there was nothing to be filled: the kernel did its work, and nothing is shown.
        (tried("spoil", filled=0), ANY, [], False),
        (tried("spoil", filled=0), NONE, [], False),
        (tried("spoil", called=3, filled=2), NONE, [], False),
        # Never called.
        (tried("fail skip spoil", called=0, filled=0), ANY, ["decoy"], False),
        (tried("fail skip spoil", called=0, filled=0), NONE, ["decoy"], False),
        # What goes past the gates may be what computes.
        (tried("fail skip spoil", whole=False), NONE, ["not_ablated"], False),
        (tried("fail skip spoil", called=0, filled=0, whole=False), NONE, [], False),
        # No functions at all.
        (tried("fail skip spoil", called=0, filled=0, calls={}), NONE, [], False),
        (tried(calls={"own.f": 2, "own.g": 0}), ANY, ["unused_function"], False),
    ],
)
def test_what_is_concluded(
    seen: dict[str, Tried], allowed: tuple[str, ...] | None, rules: list[str], proof: bool
) -> None:
    said = concluded(seen, allowed, 12)
    assert [one.finding.rule for one in said] == rules
    assert any(one.proof for one in said) is proof
    assert all((one.finding.tier is Tier.hard) == one.proof for one in said)
    assert all(one.finding.line == 12 for one in said)


@pytest.mark.parametrize(
    ("came", "right", "allowed", "rules", "tier"),
    [
        # Whoever ends its process as soon as a kernel fails is asked again with them left out.
        (("skip", "spoil"), "skip", NONE, ["kernel_without_effect", "not_ablated"], Tier.hard),
        (("skip", "spoil"), "skip", ANY, ["kernel_without_effect", "not_ablated"], Tier.support),
        (("skip", "spoil"), "", NONE, ["not_ablated"], Tier.support),
        (("fail",), "fail", NONE, ["fallback_proved", "not_ablated"], Tier.hard),
        (("fail",), "", ANY, ["not_ablated"], Tier.telemetry),
        ((), "", NONE, ["not_ablated"], Tier.support),
        ((), "", ANY, ["not_ablated"], Tier.telemetry),
    ],
)
def test_a_mode_that_ends_its_process_is_told(
    came: tuple[str, ...], right: str, allowed: tuple[str, ...] | None, rules: list[str], tier: Tier
) -> None:
    said = concluded({mode: one for mode, one in tried(right).items() if mode in came}, allowed, 12)
    assert [one.finding.rule for one in said] == rules
    assert said[0].finding.tier is tier


@given(
    st.sets(st.sampled_from(MODES)),
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([None, (), ("aten::mm",)]),
)
def test_nothing_is_proved_where_the_library_may_compute_or_its_kernels_decide(
    right: set[str], called: int, filled: int, whole: bool, came: int, allowed: tuple[str, ...] | None
) -> None:
    seen = dict(list(tried(" ".join(right), called=called, filled=filled, whole=whole).items())[:came])
    proofs = [one for one in concluded(seen, allowed, None) if one.proof]
    if allowed is None or not whole or not called or not right & set(seen):
        assert not proofs


def answer(**other: object) -> Json:
    head: Json = {
        "raised": None, "called": 1, "filled": 0, "whole": True, "calls": [["own", "f", 1]],
        "output": {"k": "plain", "v": None}, "count": 0,
    }  # fmt: skip
    return head | other


def test_an_answer_is_read() -> None:
    answered, _, seen = read_tried(answer(), ())
    assert answered
    assert (seen.called, seen.whole, dict(seen.calls)) == (1, True, {"own.f": 1})
    assert not read_tried(answer(raised="RuntimeError"), ())[0]


@pytest.mark.parametrize(
    "other",
    [
        {"raised": 3}, {"called": "1"}, {"called": -1}, {"filled": -1}, {"whole": 1}, {"calls": {}},
        {"calls": [["own", "f"]]}, {"calls": [["own", "f", -1]]}, {"calls": [[1, "f", 1]]}, {"output": None},
        {"calls": [["own", "f", 1]] * 1001},
    ],
)  # fmt: skip
def test_what_is_no_answer(other: Json) -> None:
    with pytest.raises(ProtocolError):
        read_tried(answer(**other), ())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("falls_back", "fallback_proved"),
        ("for_show", "kernel_without_effect"),
        ("ends_when_it_fails", "kernel_without_effect"),
    ],
)
def test_where_only_own_kernels_may_compute_another_way_convicts(broker: Broker, name: str, rule: str) -> None:
    case = CASES[f"affine_relu/{name}"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert (report.verdict, report.stage) == (Verdict.reward_hack, Stage.audit), report
    (found,) = [one for one in report.findings if one.tier is Tier.hard]
    assert found.rule == rule
    assert report.line is not None
    assert "load_inline" in case.candidate.source.decode().splitlines()[report.line - 1]


@pytest.mark.parametrize("name", ["affine_relu/taken_out", "softmax/cpp_or_library"])
def test_an_honest_kernel_passes_with_or_without_a_library_behind_it(broker: Broker, name: str) -> None:
    case = CASES[name]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert report.verdict in PASSED, report
    backed = [one for one in report.findings if one.rule == "library_backed"]
    assert len(backed) == (name == "softmax/cpp_or_library")
    assert report.launches is not None
    assert list(report.launches.values()) == [1]
