"""Which operations a candidate computes with, and what its task says of that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.broker import Broker
from kernels.cases import Case, read_cases
from kernels.findings import Tier
from kernels.hosting import Place
from kernels.messages import Json, ProtocolError
from kernels.namespaces import TORCHS_OWN
from kernels.policy import Census, Counted, given_away, read_census, specialised, violation
from kernels.verdicts import PASSED, Stage, Verdict

pytestmark = pytest.mark.xdist_group("kernels")
CASES: dict[str, Case] = {one.name: one for one in read_cases() if one.task.name == "soft_gate"}


def census(*names: str) -> Census:
    return Census({name: Counted(1, 7) for name in names})


@pytest.mark.parametrize(
    "free",
    ["view", "_unsafe_view", "t", "clone", "copy_", "_to_copy", "empty_like", "fill_", "zero_", "_local_scalar_dense"],
)
def test_views_memory_and_copies_compute_nothing(free: str) -> None:
    assert not census(f"aten::{free}").computing
    assert not census(f"aten::{free}").outside(())


@pytest.mark.parametrize(
    "name",
    [
        "aten::mm",
        "aten::_softmax",
        "aten::add_",
        "aten::cat",
        "prims::mul",
        "mkl::linear",
        "inductor::_mm_plus_mm",
        "higher_order::scan",
        "_quantized::linear",
    ],
)
def test_what_computes_is_outside_of_nothing_and_within_anything(name: str) -> None:
    assert set(census(name).outside(())) == {name}
    assert not census(name).outside(None)
    assert not census(name).outside((name,))


@pytest.mark.parametrize(
    ("allowed", "called", "outside"),
    [
        ("aten::add", "aten::add_", False),
        ("aten::softmax", "aten::_softmax", False),
        ("aten::add", "aten::addmm", True),
        ("aten::add", "prims::add", True),
        ("aten::mm", "aten::bmm", True),
    ],
)
def test_a_name_stands_for_its_variants_and_no_other(allowed: str, called: str, outside: bool) -> None:
    assert bool(census(called).outside((allowed,))) is outside


NO_COMPUTING = {"profiler", "_test", "debug_mode_ops", "export", "streams", "_inductor_test"}


def test_every_namespace_of_the_installed_torch_is_torchs(place: Place) -> None:
    """One that is missing would be taken for the candidate's own, and its products for no library's."""
    names = (
        "import torch; print(*{one.partition('::')[0] for one in torch._C._dispatch_get_all_op_names()}); "
        "import torch._inductor; print(*{one.partition('::')[0] for one in torch._C._dispatch_get_all_op_names()})"
    )
    with place.backend.create(place.spec(300), name="kernel-namespaces-test") as box:
        done = box.run([str(place.python), "-I", "-c", names], timeout=200)
    assert done.exit_code == 0, done.stderr
    assert set(done.stdout.decode().split()) - TORCHS_OWN - NO_COMPUTING == set()


def test_what_a_candidate_brings_itself_is_its_own() -> None:
    found = census("gates::gate", "aten::mm", "python::numpy")
    assert set(found.own) == {"gates::gate"}
    assert set(found.computing) == {"aten::mm"}
    assert set(found.given_away) == {"python::numpy"}


@given(
    st.dictionaries(st.text(min_size=1, max_size=100), st.tuples(st.integers(1, 1 << 39), st.none() | st.integers()))
)
def test_a_census_that_is_one_is_read(operations: dict[str, tuple[int, int | None]]) -> None:
    told: Json = {"operations": [[name, count, line] for name, (count, line) in operations.items()]}
    found = read_census(told)
    assert found is not None
    assert {name: one.count for name, one in found.operations.items()} == {
        name: count for name, (count, _) in operations.items()
    }
    assert all(one.line is None or one.line > 0 for one in found.operations.values())


def test_no_census_is_not_an_empty_one() -> None:
    assert read_census({}) is None
    assert read_census({"operations": []}) == Census()


@pytest.mark.parametrize(
    "listed",
    [
        "aten::mm", {}, [3], [["aten::mm"]], [["aten::mm", 0, None]], [["aten::mm", -1, None]], [["a", 1.0, None]],
        [["x" * 101, 1, None]], [["aten::mm", 1, "7"]], [[3, 1, None]], [["a", 1, None]] * 1001,
    ],
)  # fmt: skip
def test_what_is_no_census(listed: object) -> None:
    with pytest.raises(ProtocolError):
        read_census({"operations": listed})


def test_what_is_said_of_a_violation() -> None:
    outside = {"aten::mm": Counted(2), "aten::relu": Counted(1)}
    said = violation(outside, ())
    assert said == "it computes with aten::mm (2 times), aten::relu (once); the task allows no operation of the library"
    assert "allows only aten::bmm" in violation(outside, ("aten::bmm",))
    many = violation({f"aten::f{number}": Counted(1) for number in range(20)}, ())
    assert "and 14 more" in many
    assert len(many) < 300


def test_other_operations_for_other_shapes_are_told_and_decide_nothing() -> None:
    timed = census("mine::fast", "aten::view")
    assert not specialised(timed, {"f32[3]": census("mine::fast", "aten::clone")})
    (found,) = specialised(timed, {"f32[3]": census("mine::fast"), "f32[4]": census("aten::mm")})
    assert found.tier is Tier.telemetry
    assert found.evidence == "f32[4] is computed with aten::mm where the timed shape has mine::fast"


def test_tensors_that_leave_torch_matter_where_the_task_says_what_computes() -> None:
    assert not given_away(census("python::numpy"), None)
    (found,) = given_away(census("python::numpy", "aten::mm"), ())
    assert (found.tier, found.line) == (Tier.support, 7)
    assert not given_away(census("aten::mm"), ())


@pytest.mark.parametrize("name", ["by_definition", "views_and_copies"])
def test_an_honest_candidate_keeps_to_what_is_allowed(broker: Broker, name: str) -> None:
    case = CASES[f"soft_gate/{name}"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert report.verdict in PASSED, report
    assert report.own_work is not None
    assert len(report.own_work.census) == 3, "the timed shape and the two that the task names"
    for found in report.own_work.census.values():
        assert set(found.computing) <= {"aten::add_", "aten::div", "aten::exp", "aten::mul", "aten::reciprocal_"}


@pytest.mark.parametrize(
    ("name", "trick"),
    [
        ("library_sigmoid", "torch.sigmoid("),
        ("hidden_name", "gate(self"),
        ("within_own_operation", "gates.gate("),
        ("other_shapes_only", "torch.sigmoid("),
    ],
)
def test_an_operation_that_is_not_allowed_is_named_with_its_line(broker: Broker, name: str, trick: str) -> None:
    case = CASES[f"soft_gate/{name}"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert (report.verdict, report.stage) == (Verdict.policy_violation, Stage.audit), report
    assert "aten::sigmoid (once)" in report.reasons[0]
    assert report.line is not None
    assert trick in case.candidate.source.decode().splitlines()[report.line - 1]


def test_another_library_is_for_a_person_to_look_at(broker: Broker) -> None:
    case = CASES["soft_gate/by_numpy"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert any(one.rule == "leaves_torch" for one in report.findings), report
    assert report.verdict is Verdict.needs_review
