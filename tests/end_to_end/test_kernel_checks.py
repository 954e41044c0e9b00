"""A kernel changed in a pull request, with the processes of production, the twin watched, and a page in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cli.demo_house import House
from kernels.verdicts import PASSED
from settings import Settings
from store.schema import KernelCheck
from tests.end_to_end.test_demo import witnessed
from tests.end_to_end.test_pages_in_a_browser import OVERFLOWING, UNNAMED
from tests.engines import absent
from tests.workers.kernel_ground import BASE, CACHED, CANDIDATE, HONEST_CPP, SETTINGS, Ground, check_runs
from workers.kernel_place import kernel_python

WITHIN_S = 600.0
pytestmark = pytest.mark.xdist_group("kernel checks")  # one house for all of them


@pytest.fixture(autouse=True, scope="module")
def _a_python_with_torch() -> None:
    if kernel_python(Settings().kernel_home) is None:
        absent("a Python with PyTorch (make kernel-python)")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, list[dict[str, Any]]]]:
    """A house in which two pull requests changed the kernel, one honestly, and the check run of each."""
    folder = tmp_path_factory.mktemp("kernels")
    port_known = {"FORGEHAND_PUBLIC_URL": "http://127.0.0.1:1"}
    with witnessed(folder, **port_known) as house:
        house.twin.controls().ci(False)
        ground = Ground(house.stage, house.maintainer, folder / "clone")
        ground.put_on_main(BASE | {".forgehand.yml": SETTINGS + "    claims: right\n", CANDIDATE: CACHED})
        heads = [
            ground.open_pull({CANDIDATE: source}, branch)["head"]["sha"]
            for branch, source in (("honest", HONEST_CPP), ("cached", CACHED + "\n# as fast as can be\n"))
        ]
        for sha in heads:
            house.wait(f"the verdict on {sha}", partial(completed, house, sha), within_s=WITHIN_S)
        yield house, [check_runs(house.maintainer, house.stage.repository, sha)[0] for sha in heads]


def completed(house: House, sha: str) -> bool:
    runs = check_runs(house.maintainer, house.stage.repository, sha)
    return bool(runs) and all(run["status"] == "completed" for run in runs)


def row_of(house: House, run: dict[str, Any]) -> KernelCheck:
    with house.database.read() as session:
        row = session.get_one(KernelCheck, run["external_id"].split(":")[1])
        session.expunge(row)
        return row


def test_an_honest_cpp_kernel_is_green_with_its_numbers(played: tuple[House, list[dict[str, Any]]]) -> None:
    house, (run, _) = played
    summary = run["output"]["summary"]
    assert (run["name"], run["conclusion"]) == ("Kernel running-sum", "success"), summary
    assert "times [" in run["output"]["title"]
    for part in ("### Correctness", "72 ", "### Speed", "Baseline", "forgehand kernel check running-sum"):
        assert part in summary
    row = row_of(house, run)
    assert row.verdict in PASSED
    assert row.document is not None
    assert row.document["correctness"]["passed"] == row.document["correctness"]["cells"] == 72
    assert [one["functions"] for one in row.document["compile"]["extensions"]] == [["running_sum"]]
    assert row.document["timing"]["speedup"] > 1
    assert row.document["isolation"] == house.isolation
    assert row.check_run is not None
    assert row.check_run["id"] == run["id"]


def test_a_cached_answer_is_red_at_the_line_that_answers_it(played: tuple[House, list[dict[str, Any]]]) -> None:
    house, (_, run) = played
    assert run["conclusion"] == "failure", run["output"]["summary"]
    assert run["output"]["title"].startswith("incorrect")
    told = [note for note in run["annotations"] if note["annotation_level"] == "failure"]
    line = CACHED.splitlines().index("        return self.known") + 1
    assert [(note["path"], note["start_line"]) for note in told] == [(CANDIDATE, line)]
    assert row_of(house, run).verdict == "incorrect"


def test_each_verdict_was_told_once(played: tuple[House, list[dict[str, Any]]]) -> None:
    house, runs = played
    for run in runs:
        assert len(check_runs(house.maintainer, house.stage.repository, run["head_sha"])) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360])
def test_the_page_of_a_check(
    browser: Browser, played: tuple[House, list[dict[str, Any]]], width: int, scheme: Any
) -> None:
    house, runs = played
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        for run in runs:
            _look(page, house, run, f"{width}-{scheme}")
    finally:
        context.close()
    assert failures == []


def _look(page: Page, house: House, run: dict[str, Any], name: str) -> None:
    address = run["details_url"].replace("http://127.0.0.1:1", house.web_url)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200
    assert page.inner_text("h1") == "Kernel running-sum"
    assert run["conclusion"] in (page.locator(".verdict").get_attribute("class") or "")
    assert page.evaluate(OVERFLOWING) == 0
    assert page.evaluate(UNNAMED) == []
    for chart in page.locator("img.chart").all():
        assert chart.evaluate("image => image.complete && image.naturalWidth") > 0
    assert page.locator("img.chart").count() == (1 if run["conclusion"] == "success" else 0)
    assert "running-sum" in page.inner_text("pre")
    page.keyboard.press("Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
    keep = os.environ.get("SCREENSHOTS")  # a folder, to look at the pages after a run
    if keep:
        page.screenshot(path=Path(keep) / f"kernel-{run['conclusion']}-{name}.png", full_page=True)
