"""`forgehand kernel optimize` as people and scripts call it, with a scripted author and real verifications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import load_settings
from tests.cli.ground import Forgehand
from tests.cli.rows_task import AS_IT_IS, ROWS, SCRIPT, SLOW
from tests.engines import absent
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernels")


@pytest.fixture
def torch_is_there() -> None:
    if kernel_python(load_settings().kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "rows.py"
    path.write_text(ROWS)
    return path


def script(folder: Path, *sources: str, **turn: Any) -> str:
    turns = [{"call": [{"tool": "propose", "args": {"idea": "another", "source": one}}]} | turn for one in sources]
    path = folder / "author.yml"
    path.write_text(yaml.safe_dump({"phases": {"optimise": turns}}))
    return f"scripted:{path}"


def test_wrong_then_slow_then_faster_than_the_candidate_there_is(
    forgehand: Forgehand, torch_is_there: None, task: Path, tmp_path: Path
) -> None:
    there, out = tmp_path / "there.py", tmp_path / "faster.py"
    there.write_text(AS_IT_IS)
    ran = forgehand(
        "kernel", "optimize", task, there, "--out", out, "--model", f"scripted:{SCRIPT}", "--turns", "3",
        "--branches", "1", "--json",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    found = ran.document
    first, second, third = (one["verdict"] for one in found["turns"])
    assert (first, third) == ("incorrect", "faster")
    assert second in ("slower", "ambiguous")  # on a busy machine the interval may say nothing
    assert (found["outcome"], found["verdict"], found["turn"], found["out"]) == ("gain", "faster", 3, str(out))
    assert found["interval_95"][0] > found["present"]["timing"]["interval_95"][1]
    # What is told is the verification by processes that had not seen the candidate, not the turn's own number.
    assert found["report"]["correctness"]["cells"] > 24
    assert found["speedup"] == found["report"]["timing"]["speedup"] != found["turns"][2]["speedup"]
    assert "(x * x).sum(1)" in out.read_text()
    assert found["repro"] == f"forgehand kernel verify {task} {out}"
    assert found["tokens"] > 0
    assert [path.name for path in tmp_path.glob("*faster*")] == ["faster.py"]
    assert "turn 2 of 3" in ran.err


def test_no_gain_is_said_and_nothing_is_written(
    forgehand: Forgehand, torch_is_there: None, task: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faster.py"
    ran = forgehand("kernel", "optimize", task, "--out", out, "--model", script(tmp_path, SLOW), "--turns", "1")
    assert ran.status == 1, ran.err
    assert ran.out.startswith("no gain found  none of 1 tries was faster than the baseline (1 were right)")
    assert not out.exists()


def test_a_task_that_is_worth_nothing_is_said(
    forgehand: Forgehand, torch_is_there: None, task: Path, tmp_path: Path
) -> None:
    task.write_text(ROWS.replace("(x @ x.T).diagonal().clone()", "x.sum(1) * 0"))
    ran = forgehand(
        "kernel", "optimize", task, "--out", tmp_path / "out.py", "--model", script(tmp_path, SLOW), "--turns", "1"
    )
    assert ran.status == 2
    assert "invalid_task" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{none}", "--out", "{new}"], "cannot be read"),
        (["{task}", "{none}", "--out", "{new}"], "cannot be read"),
        (["{task}", "--out", "{task}"], "is there already"),
        (["{task}", "--out", "{none}/faster.py"], "there is no folder"),
        (["{task}", "{cuda}", "--out", "{new}"], "rows.cu is a CUDA source"),
        (["{task}", "--out", "{none}.cu"], "none.yml.cu is a CUDA source"),
        (["{gpu}", "--out", "{new}"], "it is for a GPU (device: cuda)"),
        (["{task}", "--out", "{new}"], "No model is set"),
        (["{task}", "--out", "{new}", "--model", "scripted:{none}"], "none.yml"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    forgehand: Forgehand, task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.delenv("FORGEHAND_MODEL", raising=False)
    places = {"none": tmp_path / "none.yml", "task": task, "new": tmp_path / "new.py"}
    places |= {"cuda": tmp_path / "rows.cu", "gpu": tmp_path / "gpu"}
    places["cuda"].write_text("__global__ void rows() {}\n")
    places["gpu"].mkdir()
    (places["gpu"] / "rows.py").write_text(ROWS)
    (places["gpu"] / "task.toml").write_text('reference = "rows.py"\ndevice = "cuda"\n')
    ran = forgehand("kernel", "optimize", *[one.format(**places) for one in arguments])
    assert ran.status == 2
    assert said in ran.err
    assert not (tmp_path / "new.py").exists()


def test_a_model_that_leaves_its_script_ends_it(
    forgehand: Forgehand, torch_is_there: None, task: Path, tmp_path: Path
) -> None:
    model = script(tmp_path, SLOW, expect="never said")
    ran = forgehand("kernel", "optimize", task, "--out", tmp_path / "new.py", "--model", model, "--turns", "1")
    assert (ran.status, "script_mismatch" in ran.err or "never said" in ran.err) == (2, True)
