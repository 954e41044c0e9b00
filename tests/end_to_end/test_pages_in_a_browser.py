"""The pages people meet, in a real browser: readable, usable by keyboard, and within a narrow window.

Chromium is Debian's; Playwright drives it. Every page is opened once wide and once at 360 pixels.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cli.demo_house import House, furnished
from cli.demo_scenarios import SCENARIOS

# What overflows sideways: elements that stick out of the window without scrolling within a parent of their own.
OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth > width + 1 ? document.documentElement.scrollWidth : 0;
}"""
UNNAMED = """() => [...document.querySelectorAll('a, button, input, select, textarea')]
  .filter(one => one.type !== 'hidden' && one.offsetParent !== null)
  .filter(one => !(one.innerText || one.getAttribute('aria-label') || one.title
                   || (one.labels && one.labels.length) || one.querySelector('img[alt]')))
  .map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, list[str]]]:
    """A house in which the whole way has been gone, and the addresses of its pages."""
    with furnished(tmp_path_factory.mktemp("pages")) as house:
        ending = SCENARIOS["issue-to-pr"](house, lambda _: None)
        assert ending.held, ending.why
        assert ending.task is not None
        home = f"{house.twin.url}/{house.stage.repository}"
        pull = f"{home}/pull/{ending.task.pull_number}"
        run = ending.task.data["check_run"]["id"]
        yield (
            house,
            [home, f"{home}/issues/1", pull, f"{pull}/files", f"{pull}/checks", f"{home}/runs/{run}", house.web_url],
        )


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": getattr(request, "param", 1100), "height": 800})
    opened = context.new_page()
    yield opened
    context.close()


@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("page", [1100, 360], indirect=True)
def test_every_page_fits_its_window_and_names_what_can_be_used(
    page: Page, played: tuple[House, list[str]], tmp_path: Path
) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    keep = os.environ.get("SCREENSHOTS")  # a folder, to look at the pages after a run
    for number, address in enumerate(played[1]):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.title(), address
        assert page.locator("h1").count() >= 1, address
        assert page.evaluate(OVERFLOWING) == 0, address
        assert page.evaluate(UNNAMED) == [], address
        if keep:
            width = (page.viewport_size or {"width": 0})["width"]
            page.screenshot(path=Path(keep) / f"{number}-{width}.png", full_page=True)
    assert failures == []


@pytest.mark.xdist_group("browser")
def test_a_task_is_followed_from_issue_to_proof_by_keyboard_alone(page: Page, played: tuple[House, list[str]]) -> None:
    page.goto(played[1][1])
    _focus(page, "Read decimals in durations")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pull/*")
    text = page.inner_text("main")
    assert "Proven" in text
    assert "Fixes #1" in text
    assert "Halves are rounded up now" in text
    _focus(page, "Checks")
    page.keyboard.press("Enter")
    page.wait_for_url("**/checks")
    _focus(page, "Forgehand")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    assert "The reproduction fails on base and passes on head" in page.inner_text("main")


def _focus(page: Page, name: str) -> None:
    """Presses Tab until the link called `name` has the focus, which must then be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate("() => document.activeElement.innerText || ''")
        if name in focused:
            style = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.boxShadow }"
            )
            assert style != "nonenone", f"the focus on {name!r} cannot be seen"
            return
    raise AssertionError(f"no link called {name!r} is reached with Tab")
