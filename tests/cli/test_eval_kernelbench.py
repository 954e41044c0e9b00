"""`forgehand eval kernelbench` on a clone of two problems of our own: one healthy, one where `return x` is right."""

from pathlib import Path

import pytest

from settings import load_settings
from tests.cli.ground import Forgehand, make_repository
from tests.engines import absent
from tests.evals.test_kernelbench import FILES
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernel tasks")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    if kernel_python(load_settings().kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return make_repository(tmp_path / "clone", FILES)


def test_problems_are_audited_kept_and_told(forgehand: Forgehand, clone: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    words = ["eval", "kernelbench", "--repo", clone, "--memory", "3", "--results", rows]
    ran = forgehand(*words)
    assert ran.status == 0, ran.err
    assert "2 problems audited, 1 degenerate, 1 of them invalid_task for us" in ran.out
    assert "an input passed through (exact, ours)" in " ".join(ran.out.split())
    assert "Known, audited and not found: none" in ran.out
    assert "1/19" in ran.err
    assert len(rows.read_text().splitlines()) == 2

    again = forgehand(*words, "--json")
    assert len(rows.read_text().splitlines()) == 2, "nothing is audited twice"
    assert again.document["degenerate"] == {"1/19": ["an input passed through (exact, ours)"]}

    ran = forgehand(*words, "--as-candidate", "--json")
    assert (ran.document["candidates"], ran.document["convicted"]) == (1, {}), "only what is sound is verified"
    assert ran.status == 0, ran.err

    ran = forgehand(*words[:-1], tmp_path / "smaller.jsonl", "--as-candidate", "--extents", "64", "--json")
    assert (ran.document["candidates"], ran.document["convicted"]) == (1, {}), "none has to be audited before"
    assert "an input passed through" in ran.document["not_judged"]["1/19"]
    assert ran.status == 0, ran.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--only", "1/7"], "no problem 1/7"),
        (["--level", "3"], "no KernelBench problems"),
        (["--commit", "nowhere"], "rev-parse"),
        (["--extents", "64"], "--extents is for --as-candidate"),
    ],
)
def test_what_cannot_be_read_is_refused(forgehand: Forgehand, tmp_path: Path, words: list[str], why: str) -> None:
    clone = make_repository(tmp_path / "clone", FILES)
    ran = forgehand("eval", "kernelbench", "--repo", clone, *words)
    assert ran.status == 2, ran.err
    assert why in " ".join(ran.err.split())
