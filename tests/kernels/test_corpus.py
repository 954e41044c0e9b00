"""Some cases of the corpus in real boxes: those whose being found out hangs on a part that no other case needs."""

from collections.abc import Mapping

import pytest

from kernels.broker import Broker
from kernels.cases import Case, Outcome, read_cases

pytestmark = pytest.mark.xdist_group("kernels")
CASES: Mapping[str, Case] = {one.name: one for one in read_cases()}


def outcome(broker: Broker, name: str) -> Outcome:
    case = CASES[name]
    return Outcome(case, broker.verify(case.task, case.candidate, quick=True))


@pytest.mark.parametrize(
    "name",
    [
        "row_sum/writes_behind",  # bands around the inputs
        "linear_tanh/loaders_clock",  # the loader's own modules are watched
        "linear_tanh/packed_source",  # text run as code
        "linear_tanh/flushes_small",  # a switch that can only be seen by computing
        "linear_tanh/knows_timed_calls",  # outputs of timed calls are held against what is right
        "residual/flat_memory",  # a task in a folder, with layouts
        "momentum_step/velocity_stays",  # inputs that the reference changes by design
        "bad_sum/ones",  # a task that is not worth grading
    ],
)
def test_a_case_is_found_out_as_what_it_is(broker: Broker, name: str) -> None:
    found = outcome(broker, name)
    assert found.as_it_should, found.report
    assert found.as_it_says, (found.report.verdict, found.report.wrong, found.report.reasons)
    assert found.report.reasons


@pytest.mark.parametrize("name", ["heads/a_view", "momentum_step/copied_back", "masked_rows/wide"])
def test_an_honest_look_alike_passes(broker: Broker, name: str) -> None:
    """Outputs in the memory of inputs, inputs changed by design, numbers closer to what is right than the reference."""
    assert outcome(broker, name).as_it_should
