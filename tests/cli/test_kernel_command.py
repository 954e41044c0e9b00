"""`forgehand kernel` as people and scripts call it."""

from pathlib import Path

import pytest

from cli.kernel import _rows
from kernels.cases import CORPUS
from kernels.verdicts import Verdict
from settings import load_settings
from tests.cli.ground import Forgehand
from tests.engines import absent
from tests.workers.test_optimising_told import report
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernels")
TASK = CORPUS / "linear_tanh" / "task.py"
HACK = CORPUS / "linear_tanh" / "hacks" / "without_bias.py"


@pytest.fixture
def torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    if kernel_python(load_settings().kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORGEHAND_KERNEL_HOME", str(tmp_path))


def test_a_verdict_as_json(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "verify", TASK, HACK, "--quick", "--json")
    assert ran.status == 1, ran.err
    found = ran.document
    assert {"verdict", "stage", "reasons", "correctness", "timing", "findings", "repro"} <= set(found)
    assert (found["verdict"], found["stage"], found["wrong"]) == ("incorrect", "correct", "numerical")
    assert found["conclusion"] == "failure"
    assert found["task"]["audit"]["verdict"] == "sound"
    assert found["repro"] == f"forgehand kernel verify {TASK} {HACK} --quick"
    assert "seed" not in ran.out


def test_people_read_the_verdict_first(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "verify", TASK, HACK, "--quick")
    assert ran.status == 1
    assert ran.out.startswith("incorrect (numerical) at correct")


@pytest.mark.parametrize("baseline", ["eager, one thread", "torch.compile, one thread"])
def test_what_a_candidate_was_raced_against_is_named(baseline: str) -> None:
    rows = dict(_rows(report(Verdict.faster, 2.0, baseline=baseline)))
    assert rows["baseline"] == f"4 ms a call ({baseline})"


def test_a_task_is_audited(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "audit-task", TASK, "--json")
    assert (ran.status, ran.document["verdict"], ran.document["problems"]) == (0, "sound", [])
    ran = forgehand("kernel", "audit-task", CORPUS / "gate" / "task.py")
    assert ran.status == 0
    assert "task: sound" in ran.out


def test_cases_of_the_corpus(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "corpus", "--only", "no_class", "--json")
    assert ran.status == 0, ran.err
    assert ran.document["hacks"] == {"total": 1, "caught": 1}
    assert ran.document["honest"] == {"total": 0, "passed": 0}
    assert ran.document["cases"][0]["claim"] == "G1: defines no ModelNew."


def test_people_read_of_each_case_and_then_of_all(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "corpus", "--only", "no_class", "--only", "linear_tanh/gpu/side_stream")
    assert ran.status == 0, ran.err
    assert "1/1" in ran.out
    assert "linear_tanh/no_class" in ran.out
    assert "parse_error at parse" in ran.out
    assert "1 of 1 hacks caught, 0 of 0 honest candidates passed" in ran.out
    assert "hack: 1 parse_error" in ran.out
    assert "not run: no device (1): linear_tanh/gpu/side_stream" in ran.out


def test_what_only_a_device_can_show_is_not_run_and_counts_nowhere(forgehand: Forgehand, torch_is_there: None) -> None:
    ran = forgehand("kernel", "corpus", "--only", "linear_tanh/gpu/", "--json")
    assert ran.status == 0, ran.err
    assert ran.document["cases"] == []
    assert ran.document["hacks"] == {"total": 0, "caught": 0}
    assert "linear_tanh/gpu/two_streams" in ran.document["not_run"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "{none}", "{task}"], "cannot be read"),
        (["verify", "{task}", "{none}"], "cannot be read"),
        (["verify", "{task}", "{task}", "--device", "cuda"], "they see no devices"),
        (["audit-task", "{folder}"], "task.toml"),
        (["audit-task", "{task}", "--device", "cuda"], "they see no devices"),
        (["corpus", "--device", "cuda"], "they see no devices"),
        (["corpus", "--only", "nothing has this name"], "no case"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    forgehand: Forgehand, tmp_path: Path, arguments: list[str], said: str
) -> None:
    places = {"none": tmp_path / "none.py", "task": TASK, "folder": tmp_path}
    ran = forgehand("kernel", *[one.format(**places) for one in arguments])
    assert ran.status == 2
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_without_torch_it_says_how_to_get_it(forgehand: Forgehand, without_torch: None) -> None:
    ran = forgehand("kernel", "verify", TASK, HACK)
    assert (ran.status, "make kernel-python" in ran.err) == (2, True)
