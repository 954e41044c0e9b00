import pytest

from kernels.roofline import device_named, floor
from kernels.seeds import new_secret, seed
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED, Verdict, conclusion


@pytest.mark.parametrize(
    ("verdict", "claims", "expected"),
    [
        (Verdict.faster, True, "success"),
        (Verdict.faster, False, "success"),
        (Verdict.equal, True, "neutral"),
        (Verdict.equal, False, "success"),
        (Verdict.slower, False, "failure"),
        (Verdict.ambiguous, True, "neutral"),
        (Verdict.needs_gpu, True, "neutral"),
        (Verdict.needs_review, True, "action_required"),
        (Verdict.invalid_task, True, "neutral"),
        (Verdict.infra_error, True, "neutral"),
    ],
)
def test_conclusions(verdict: Verdict, claims: bool, expected: str) -> None:
    assert conclusion(verdict, claims_speed=claims) == expected


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


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA GeForce RTX 4090", None),
        ("NVIDIA L40", None),
    ],
)
def test_devices_by_their_drivers_name(driver: str, name: str | None) -> None:
    found = device_named(driver)
    assert (found.name if found else None) == name


def test_the_floor_is_the_larger_of_two() -> None:
    device = device_named("NVIDIA H100 80GB HBM3")
    assert device is not None
    matmul = floor(device, 3 * 4096 * 4096 * 2, 2 * 4096**3, "bfloat16")
    assert matmul is not None
    assert matmul.limited_by == "compute"
    assert matmul.seconds == pytest.approx(0.139e-3, rel=0.01)
    relu = floor(device, 96_000_000, 12_000_000, "float32")
    assert relu is not None
    assert relu.limited_by == "memory"
    assert relu.seconds == pytest.approx(0.0287e-3, rel=0.01)
    assert relu.impossible(0.02e-3)
    assert not relu.impossible(0.028e-3)
    assert relu.share(0.0573e-3) == pytest.approx(0.5, rel=0.01)
    assert floor(device, 0, 1e9, "int4") is None
    only_memory = floor(device, 3_350_000, 1e30, "int4")
    assert only_memory is not None
    assert only_memory.seconds == pytest.approx(1e-6)
