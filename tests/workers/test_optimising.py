"""`/forgehand optimize`: asked for on GitHub, tried in the kernel lane, published or honestly not, against the twin.

The kernel is that of tests/cli/rows_task.py. Verifications are real.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from settings import load_settings
from store import Stage
from tests.cli.rows_task import AS_IT_IS, CANDIDATE, FASTER, FILES, REFERENCE_PATH, ROWS, SETTINGS, SLOW, WRONG
from tests.engines import absent
from tests.workers.floor import Floor, durations_script, furnished_floor
from tests.workers.kernel_ground import Ground
from tests.workers.test_own_kernel_checks import check, conclude, look, stands
from workers.kernel_place import kernel_python

pytestmark = [pytest.mark.xdist_group("kernels"), pytest.mark.timeout(2400)]


def author(*sources: str) -> dict[str, Any]:
    """The sample's script with a conversation that proposes these, one after the other."""
    turns: list[Mapping[str, Any]] = [
        {"call": [{"tool": "propose", "args": {"idea": f"idea {number}", "source": source}}]}
        for number, source in enumerate(sources, start=1)
    ]
    whole = durations_script()
    whole["phases"]["optimise"] = turns
    return whole


@contextmanager
def floor(folder: Path, sources: Sequence[str], files: Mapping[str, str], **settings: Any) -> Iterator[Floor]:
    made = {
        "optimize_turns": max(1, len(sources)),
        "optimize_branches": 1,
        "task_budget_steps": 20,
        "model_timeout_s": 60.0,
    }
    with furnished_floor(folder, script=author(*sources), **made | settings) as here:
        here.twin.controls().ci(False)
        Ground(here.stage, here.maria, folder / "clone").put_on_main(files)
        yield here


def ask(here: Floor, text: str, number: int | None = None) -> None:
    here.maria.comment(here.stage.repository, number or here.stage.issue, text)
    here.take_in(lambda: bool(here.tasks()))


@pytest.fixture
def torch_is_there() -> None:
    if kernel_python(load_settings().kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (None, "names no kernel `kernels/other.py`. It names no kernels yet. What is right has to be said there first"),
        (SETTINGS, "names no kernel `kernels/other.py`. It names `rows`."),
        ("kernels: nonsense\n", "the kernels in `.forgehand.yml` cannot be read (line 1)"),
        (
            SETTINGS,
            "cannot be verified by what the base branch has: the reference kernels/rows_ref.py is not there",
        ),
    ],
)
def test_what_is_needed_is_said_where_no_kernel_is_meant(tmp_path: Path, settings: str | None, said: str) -> None:
    files = {"kernels/other.py": FASTER} | ({} if settings is None else {".forgehand.yml": settings})
    with floor(tmp_path, [], files, model="", model_prices={}) as here:
        target = "rows" if "cannot be verified" in said else "kernels/other.py"
        ask(here, f"/forgehand optimize {target}")
        task = here.run()
        assert task.stage == Stage.NEEDS_HUMAN
        assert said in (task.reason or "")
        assert said.partition("`")[0] in here.comments()[0]["body"]
        assert here.pulls() == []


@pytest.mark.parametrize(
    ("candidate", "more", "said"),
    [
        ("kernels/rows.cu", "", "kernels/rows.cu is a CUDA source, and a model's candidates are Python files"),
        (CANDIDATE, "    device: cuda\n", "it is for a GPU (device: cuda), on which the loop runs nothing"),
    ],
)
def test_what_only_a_gpu_can_run_costs_no_turn(tmp_path: Path, candidate: str, more: str, said: str) -> None:
    files = FILES | {".forgehand.yml": SETTINGS.replace(CANDIDATE, candidate) + more, candidate: AS_IT_IS}
    with floor(tmp_path, [], files) as here:
        ask(here, "/forgehand optimize rows")
        task = here.run()
        assert task.stage == Stage.NEEDS_HUMAN
        assert f"the kernel `rows` cannot be made faster by me: {said}" in (task.reason or "")


def test_a_reference_that_is_too_large_is_said(tmp_path: Path) -> None:
    with floor(tmp_path, [], FILES | {REFERENCE_PATH: ROWS + "#" * (1 << 20)}) as here:
        ask(here, "/forgehand optimize rows")
        task = here.run()
        assert (task.stage, task.pull_number) == (Stage.NEEDS_HUMAN, None)
        assert "kernels/rows_ref.py has more than 1048576 bytes" in (task.reason or "")


def test_a_faster_one_becomes_a_pull_request_with_its_numbers(tmp_path: Path, torch_is_there: None) -> None:
    with floor(tmp_path, [WRONG, SLOW, FASTER], FILES | {CANDIDATE: AS_IT_IS}) as here:
        ask(here, f"/forgehand optimize {CANDIDATE}")
        task = here.run("watching_ci", within_s=1500)
        assert task.stage == Stage.WATCHING_CI, (task.reason, [event.data for event in here.log()][-5:])
        (pull,) = here.pulls()
        body = pull["body"]
        assert pull["title"] == "Make the kernel rows faster (#1)"
        for part in ("| Verdict | `faster` |", "times [", "The candidate before", "forgehand kernel check rows"):
            assert part in body
        # On a machine with much else to do the interval of the slow one may say nothing.
        assert re.search(r"3 candidates \(.*1 faster, 1 incorrect.*\); this is turn 3: `idea 3`", body)
        files = here.maria.ask("GET", f"/repos/{here.stage.repository}/pulls/{pull['number']}/files")
        assert [one["filename"] for one in files] == [CANDIDATE]
        assert "+        return (x * x).sum(1)" in files[0]["patch"]
        assert task.data["optimised"]["sha"] == task.head_sha
        assert "seed" not in body
        # Nothing else reports: it is a draft until its own check has come, and when that says otherwise.
        look(here)
        assert stands(here) == (Stage.WATCHING_CI, True)
        conclude(here, check(here), "failure")
        task = here.run()
        assert stands(here) == (Stage.NEEDS_HUMAN, True)
        assert "check does not bear out what was found before it: Kernel rows fails" in (task.reason or "")


def test_no_gain_is_told_in_a_comment_and_no_pull_request_is_opened(tmp_path: Path, torch_is_there: None) -> None:
    with floor(tmp_path, [SLOW], FILES | {CANDIDATE: FASTER}) as here:
        issue = here.maria.open_issue(
            here.stage.repository, "The sum of squares is slow", "It takes long.\n\n/forgehand optimize rows"
        )
        here.maria.assign(here.stage.repository, issue["number"], here.stage.trigger_login)
        here.take_in(lambda: bool(here.tasks()))
        task = here.run(within_s=1200)
        assert (task.stage, task.pull_number) == (Stage.DONE, None), task.reason
        assert "no gain found" in (task.reason or "")
        path = f"/repos/{here.stage.repository}/issues/{issue['number']}/comments"
        (said,) = [one["body"] for one in here.maria.ask("GET", path) if "**No gain found**" in one["body"]]
        assert "`rows`" in said
        assert re.search(r"\| 1 \| `idea 1` \| `(slower|ambiguous)` \| 0\.", said)
        assert here.pulls() == []


def test_candidates_that_cannot_be_read_are_told_too(tmp_path: Path, torch_is_there: None) -> None:
    """What cannot be read gets its verdict without a box: the way from the comment to the answer, and little else."""
    broken = [f"class ModelNew(:\n    number = {number}\n" for number in range(3)]
    with floor(tmp_path, broken, FILES, optimize_turns=9, optimize_patience=2) as here:
        ask(here, "/forgehand optimize rows")
        task = here.run(within_s=600)
        assert (task.stage, task.pull_number) == (Stage.DONE, None), task.reason
        assert "none of 3 tries was faster than the baseline (0 were right); 2 turns in a row" in (task.reason or "")
        (said,) = [one["body"] for one in here.comments() if "**No gain found**" in one["body"]]
        assert said.count("`parse_error` | - |") == 3
        assert here.pulls() == []


def test_a_pull_request_does_not_say_what_is_right(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model="", model_prices={}) as here:
        here.twin.controls().ci(False)
        ground = Ground(here.stage, here.maria, tmp_path / "clone")
        ground.put_on_main({"kernels/__init__.py": ""})
        pull = ground.open_pull(FILES | {CANDIDATE: AS_IT_IS})
        ask(here, "/forgehand optimize rows", int(pull["number"]))
        task = here.run()
        assert (task.stage, task.is_pull_request) == (Stage.NEEDS_HUMAN, True)
        assert "on the base branch names no kernel `rows`" in (task.reason or "")


def test_an_outsider_is_refused_and_a_busy_place_too(tmp_path: Path) -> None:
    with floor(tmp_path, [], FILES, model="", model_prices={}) as here:
        otis = here.twin.person("otis")
        otis.comment(here.stage.repository, here.stage.issue, "/forgehand optimize rows")
        here.take_in(lambda: bool(here.comments()))
        assert "only people with write permission" in here.comments()[0]["body"]
        assert here.tasks() == []
        here.assign()
        here.maria.comment(here.stage.repository, here.stage.issue, "/forgehand optimize rows")
        here.take_in(lambda: len(here.comments()) == 2)
        assert "I am at work here already" in here.comments()[1]["body"]
        assert len(here.tasks()) == 1
