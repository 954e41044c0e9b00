import pytest

from kernels.seeds import new_secret, seed
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED, Verdict, conclusion


@pytest.mark.parametrize(
    ("verdict", "claims", "expected"),
    [
        (Verdict.faster, True, "success"),
        (Verdict.faster, False, "success"),
        (Verdict.equal, True, "neutral"),
        (Verdict.equal, False, "success"),
        (Verdict.slower, True, "failure"),
        (Verdict.slower, False, "success"),
        (Verdict.ambiguous, True, "neutral"),
        (Verdict.ambiguous, False, "success"),
        (Verdict.needs_gpu, True, "action_required"),
        (Verdict.needs_review, True, "action_required"),
        (Verdict.invalid_task, True, "neutral"),
        (Verdict.infra_error, True, "action_required"),
    ],
)
def test_conclusions(verdict: Verdict, claims: bool, expected: str) -> None:
    assert conclusion(verdict, claims_speed=claims) == expected


def test_what_is_for_a_gpu_may_need_one() -> None:
    assert conclusion(Verdict.needs_gpu, for_gpu=True) == "neutral"


def test_everything_else_fails_and_no_fault_of_the_machine_does() -> None:
    for verdict in set(Verdict) - PASSED - NOT_THE_CANDIDATE - {Verdict.needs_gpu, Verdict.needs_review}:
        assert conclusion(verdict) == "failure"
    assert not PASSED & NOT_THE_CANDIDATE


def test_seeds_differ_by_secret_and_place_and_repeat() -> None:
    secret = new_secret()
    places: list[tuple[str | int, ...]] = [
        ("check", 1),
        ("check", 2),
        ("time", 1),
        ("check", "1"),
        ("check\0int:1",),
        ("check", 1, 1),
    ]
    seeds = [seed(secret, *place) for place in places]
    assert len(set(seeds)) == len(places)
    assert seeds == [seed(secret, *place) for place in places]
    assert seed(new_secret(), "check", 1) != seeds[0]
    assert all(0 <= one < 1 << 63 for one in seeds)
    with pytest.raises(ValueError, match="32 bytes"):
        seed(b"short", 1)
