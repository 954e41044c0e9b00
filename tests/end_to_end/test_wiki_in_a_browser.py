"""A wiki in a real browser, from the disk: fits its window, is read by keyboard, asks nobody, in light and in dark."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.codebase.wiki.making import SHOP, built
from tests.end_to_end.test_pages_in_a_browser import OVERFLOWING, UNNAMED

# Labels of a drawing that stick out of their box, and boxes that lie on each other.
COLLIDING = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
  if (!svg.getBoundingClientRect().width) return [];
  const wrong = [], rects = [...svg.querySelectorAll('rect')].map(one => one.getBoundingClientRect());
  rects.forEach((a, i) => rects.slice(i + 1).forEach(b => {
    if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) wrong.push('two boxes');
  }));
  svg.querySelectorAll('text').forEach(text => {
    const inner = text.getBoundingClientRect(), box = text.parentNode.querySelector('rect').getBoundingClientRect();
    if (inner.left < box.left || inner.right > box.right) wrong.push('label ' + text.textContent);
  });
  return wrong;
})"""
# Contrast of text with the page: WCAG's ratio of relative luminances, for the colours as the browser computed them.
CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = light(parts(getComputedStyle(document.body).backgroundColor));
  return [...document.querySelectorAll('p, a, td, th, li, h1, h2, small, .at')].map(one => {
    const ink = light(parts(getComputedStyle(one).color));
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wiki")
    long = "a_rather_long_name_of_a_module_that_does_not_end"
    files = {**SHOP, f"shop/deep/er/{long}.py": "from shop.till import Till\n\n\nclass Long(Till):\n    pass\n"}
    for number in range(12):
        uses = "".join(f"from shop.area{other}.main import Thing\n" for other in {(number + 1) % 12, (number * 5) % 12})
        files[f"shop/area{number}/main.py"] = f"{uses}\n\nclass Thing:\n    '''Thing {number}.'''\n"
    built(files, folder / "out", folder)
    return folder / "out"


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, dark = getattr(request, "param", (1280, False))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light")
    opened = context.new_page()
    yield opened
    context.close()


@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("page", [(1280, False), (1280, True), (380, False), (380, True)], indirect=True)
def test_every_page_fits_reads_and_asks_nobody(page: Page, wiki: Path) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    keep = os.environ.get("SCREENSHOTS")
    for number, path in enumerate([*sorted(wiki.glob("*.html")), next(wiki.glob("source/*.html"))]):
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1, path
        assert page.evaluate(OVERFLOWING) == 0, path
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(COLLIDING) == [], path
        assert min(page.evaluate(CONTRASTS)) >= 4.5, path
        # The style is taken: a policy that refused it would leave the browser's own margin.
        assert page.evaluate("() => getComputedStyle(document.body).margin") == "0px"
        if keep:
            width = (page.viewport_size or {"width": 0})["width"]
            page.screenshot(path=Path(keep) / f"wiki-{number}-{width}.png", full_page=True)
    assert said == []


@pytest.mark.xdist_group("browser")
def test_from_the_map_to_the_lines_by_keyboard(page: Page, wiki: Path) -> None:
    page.goto((wiki / "index.html").as_uri())
    _focus(page, "till.py")
    page.keyboard.press("Enter")
    page.wait_for_url("**/part-*till*")
    assert page.inner_text("h1") == "shop/till.py"
    assert "Where it is paid." in page.inner_text("main")
    _focus(page, "shop/till.py:6-10")
    page.keyboard.press("Enter")
    page.wait_for_url("**/source/*#L6")
    assert page.inner_text(":target").startswith("class Till")


@pytest.mark.xdist_group("browser")
def test_without_scripts_and_on_paper(browser: Browser, wiki: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((wiki / "index.html").as_uri())
    assert opened.locator("svg").first.is_visible()
    opened.emulate_media(media="print")
    assert not opened.locator("nav").is_visible()
    context.close()


def _focus(page: Page, name: str) -> None:
    """Presses Tab until what is called `name` has the focus, which must be seen."""
    for _ in range(200):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label') || e.textContent || '' }"
        )
        if name in focused:
            seen = page.evaluate(
                "() => { const e = document.activeElement, s = getComputedStyle(e), b = e.querySelector('rect');"
                " return s.outlineStyle !== 'none' || (b && getComputedStyle(b).strokeWidth === '2.5px') }"
            )
            assert seen, f"the focus on {name!r} cannot be seen"
            return
    raise AssertionError(f"nothing called {name!r} is reached with Tab")
