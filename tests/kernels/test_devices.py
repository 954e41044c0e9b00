"""What a device's worker and its driver say, as it is read; and what of the corpus is for a device."""

from dataclasses import replace
from typing import Any

import pytest

from kernels.broker import Report
from kernels.candidate import Candidate
from kernels.cases import Case, Outcome, for_a_device, qualification, read_cases
from kernels.devices import Device, read_health
from kernels.messages import ProtocolError
from kernels.task import Task
from kernels.verdicts import Verdict
from kernels.worker.driver import ASKED, problems_of, read_answer

HEAD: dict[str, Any] = {
    "uuid": "GPU-1",
    "name": "a device",
    "memory": 1 << 30,
    "software": "torch 2.13.0, cuda 13.0, driver 580.65",
    "architecture": "sm_90",
    "state": [["clocks.sm", "1980"]],
    "problems": [],
}
# One line as `nvidia-smi --query-gpu=... --format=csv,noheader,nounits` writes it.
WELL = "580.65.06, 34, 345, 1980, 0x0000000000000001, 71.20, 700.00, Disabled, 0, 0, 0\n"
DEVICE = Device("GPU-1", "a device", 1 << 30, "torch 2.13.0")


def test_what_a_device_is_and_how_it_is() -> None:
    found = read_health(HEAD)
    assert found.device == Device(
        "GPU-1", "a device", 1 << 30, HEAD["software"], (("clocks.sm", "1980"),), architecture="sm_90"
    )
    assert found.problems == []
    assert read_health(HEAD | {"problems": ["it fails"]}).problems == ["it fails"]
    assert len(read_health(HEAD | {"problems": ["x" * 9000]}).problems[0]) == 300


@pytest.mark.parametrize(
    "change",
    [
        {"uuid": ""}, {"uuid": "x" * 101}, {"uuid": 1}, {"memory": 0}, {"memory": "much"}, {"state": [["one"]]},
        {"state": {}}, {"problems": [1]}, {"problems": "none"}, {"software": None}, {"architecture": 90},
    ],
)  # fmt: skip
def test_what_says_nothing_of_a_device_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_health(HEAD | change)


def test_a_driver_that_counts_no_errors_has_no_problem() -> None:
    found = read_answer(WELL)
    assert found["driver_version"] == "580.65.06"
    assert list(problems_of(found)) == []
    assert list(problems_of({})) == [], "where the driver is not asked nothing is said against the device"
    consumer = read_answer(WELL.replace(", 0, 0, 0", ", [N/A], [N/A], [N/A]"))
    assert list(problems_of(consumer)) == [], "a device without ECC counts none"


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ("7, 0, 0", "counts 7 memory errors"),
        ("0, Yes, 0", "could not be replaced"),
        ("0, 1, 0", "could not be replaced"),
        ("0, 0, Yes", "waits for a restart"),
    ],
)
def test_errors_that_could_not_be_corrected_are_problems(counted: str, said: str) -> None:
    (found,) = problems_of(read_answer(WELL.replace(", 0, 0, 0", f", {counted}")))
    assert said in found


@pytest.mark.parametrize("text", ["", "\n", "1, 2", WELL * 2, "No devices were found\n"])
def test_an_answer_of_another_form_says_nothing(text: str) -> None:
    assert read_answer(text) == {}
    assert len(ASKED) == len(WELL.split(","))


def test_what_is_cpp_for_the_processor_is_nothing_for_a_device() -> None:
    cases = list(read_cases())
    found = {one.name: one for one in for_a_device(cases)}
    assert "softmax/cpp_loop" not in found
    assert found["softmax/triton_rows"].kind == "honest", "where there is a device it has to pass"
    assert {one.name for one in cases if one.on_device} <= found.keys()
    assert found["linear_tanh/zeros"].kind == "hack"


def outcome(device: Device | None) -> Outcome:
    task, candidate = Task("t", b""), Candidate("c.py", b"")
    case = Case("honest", "t/c", "", task, candidate)
    return Outcome(case, Report(task, candidate, Verdict.faster, device=device))


COUNTED = {"hacks": {}, "honest": {}, "refused": {}, "verdicts": {}, "seconds": 1.0, "cases": []}


def test_a_qualification_is_one_devices() -> None:
    device, kept = qualification([outcome(DEVICE), outcome(replace(DEVICE, state=(("clocks.sm", "1"),)))], COUNTED)
    assert device.uuid == "GPU-1"
    assert set(kept) == {"hacks", "honest", "refused", "verdicts", "seconds"}
    for mixed in ([outcome(None)], [outcome(DEVICE), outcome(replace(DEVICE, uuid="GPU-2"))], []):
        with pytest.raises(ValueError, match="one device"):
            qualification(mixed, COUNTED)
