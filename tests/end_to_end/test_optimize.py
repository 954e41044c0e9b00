"""A kernel made faster, with the processes of production: web, worker and broker, the twin watched, verifications real.

The kernel is that of tests/cli/rows_task.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.demo_house import House
from settings import load_settings
from store import Stage
from tests.cli.rows_task import CANDIDATE, FASTER, FILES, SLOW, WRONG
from tests.end_to_end.test_demo import witnessed
from tests.engines import absent
from tests.workers.kernel_ground import Ground, check_runs
from workers.kernel_place import kernel_python

pytestmark = [pytest.mark.xdist_group("kernels"), pytest.mark.timeout(2400)]


def author(folder: Path, *sources: tuple[str, str | None]) -> str:
    """A scripted model that proposes these sources, each when the newest message has what stands beside it."""
    turns: list[Mapping[str, Any]] = [
        {"call": [{"tool": "propose", "args": {"idea": f"idea {number}", "source": source}}]}
        | ({} if expect is None else {"expect": expect})
        for number, (source, expect) in enumerate(sources, start=1)
    ]
    path = folder / "author.yml"
    path.write_text(yaml.safe_dump({"phases": {"optimise": turns}}), encoding="utf-8")
    return f"scripted:{path}"


def settings(model: str, turns: int) -> dict[str, str]:
    """The kernel lane's Python is this user's: what the house keeps from its processes is only FORGEHAND_*."""
    home = load_settings().kernel_home
    if kernel_python(home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return {
        "FORGEHAND_MODEL": model,
        "FORGEHAND_KERNEL_HOME": str(home),
        "FORGEHAND_OPTIMIZE_TURNS": str(turns),
        "FORGEHAND_OPTIMIZE_BRANCHES": "1",
    }


def prepared(house: House, folder: Path, files: Mapping[str, str]) -> None:
    house.twin.controls().ci(False)
    Ground(house.stage, house.maintainer, folder / "clone").put_on_main(files)


def comments(house: House) -> Sequence[str]:
    path = f"/repos/{house.stage.repository}/issues/{house.stage.issue}/comments"
    return [one["body"] for one in house.maintainer.ask("GET", path) if one["user"]["login"].endswith("[bot]")]


def test_first_wrong_then_slow_then_faster_ends_in_a_pull_request_whose_check_is_green(tmp_path: Path) -> None:
    model = author(tmp_path, (WRONG, None), (SLOW, "Verdict: incorrect"), (FASTER, "Verdict: (slower|ambiguous)"))
    with witnessed(tmp_path / "house", **settings(model, 3)) as house:
        prepared(house, tmp_path, FILES)  # a kernel without a candidate yet
        repository = house.stage.repository
        house.maintainer.comment(repository, house.stage.issue, f"/forgehand optimize {CANDIDATE}")
        house.wait("a task", lambda: bool(house.tasks()))

        def published() -> bool:
            (task,) = house.tasks()
            assert task.stage not in (Stage.DONE, Stage.FAILED, Stage.NEEDS_HUMAN, Stage.CANCELLED), task.reason
            return task.stage == Stage.IN_REVIEW

        house.wait("a pull request that is ready", published, within_s=1500)
        (task,) = house.tasks()
        (pull,) = house.maintainer.ask("GET", f"/repos/{repository}/pulls?state=all")
        assert pull["head"]["sha"] == task.head_sha
        assert not pull["draft"]
        # It is ready because its own check was good, and not before.
        (run,) = check_runs(house.maintainer, repository, pull["head"]["sha"])
        assert (run["name"], run["conclusion"]) == ("Kernel rows", "success"), run["output"]
        assert run["output"]["title"].startswith("faster: ")
        assert "| Verdict | `faster` |" in pull["body"]
        assert re.search(r"3 candidates \(.*1 faster, 1 incorrect.*this is turn 3", pull["body"])


def test_where_nothing_helps_it_says_so_and_opens_no_pull_request(tmp_path: Path) -> None:
    model = author(tmp_path, (WRONG, None), (SLOW, "Verdict: incorrect"))
    with witnessed(tmp_path / "house", **settings(model, 2)) as house:
        prepared(house, tmp_path, FILES | {CANDIDATE: FASTER})
        house.maintainer.comment(house.stage.repository, house.stage.issue, "/forgehand optimize rows")
        house.wait("the end", lambda: any(task.finished_at for task in house.tasks()), within_s=1200)
        (task,) = house.tasks()
        assert (task.stage, task.pull_number) == (Stage.DONE, None), task.reason
        (said,) = [one for one in comments(house) if "**No gain found**" in one]
        assert "| 1 | `idea 1` | `incorrect` | - |" in said
        # On a machine with much else to do the interval may say nothing; it never says faster.
        assert re.search(r"\| 2 \| `idea 2` \| `(slower|ambiguous)` \| 0\.", said)
        assert house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls?state=all") == []
