"""The wiki's own judges: they find what is broken, and an author that makes things up gets nothing published."""

from pathlib import Path

import pytest

from evals.wiki_authors import measure
from evals.wiki_links import check_wiki
from tests.cli.ground import make_repository
from tests.codebase.wiki.making import SHOP

HEAD = """<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'"></head>"""


def page(body: str) -> str:
    return f"{HEAD}<body>{body}</body></html>"


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ('<p id="a">x</p><a href="#a">x</a> <a href="b.html#there">x</a> <a href="https://x.example/">x</a>', ""),
        ('<a href="none.html">x</a>', "leads nowhere"),
        ('<a href="../outside.html">x</a>', "leads nowhere"),
        ('<a href="#none">x</a>', "no such anchor"),
        ('<a href="b.html#none">x</a>', "no such anchor"),
        ('<a href="javascript:alert(1)">x</a>', "leads to"),
        ('<a href="http://x.example/">x</a>', "leads to"),
        ('<a href="//x.example/">x</a>', "leads to"),
        ("<script>x</script>", "<script>"),
        ('<img src="x">', "<img>"),
        ('<p onclick="x">y</p>', "onclick"),
        ('<p style="x">y</p>', "style"),
        ("<p><b>x</p></b>", "closes what is not open"),
        ("<p>x", "closes what is not open"),
        ('<p id="a">x</p><p id="a">y</p>', "an id twice"),
    ],
)
def test_what_is_broken_is_found(body: str, trouble: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page(body))
    (tmp_path / "b.html").write_text(page('<p id="there">x</p>'))
    found = check_wiki(tmp_path)
    assert any(trouble in one for one in found.troubles) if trouble else found.troubles == []
    assert found.pages == 2


def test_a_page_without_a_policy_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<!doctype html><html><body></body></html>")
    assert "no policy" in check_wiki(tmp_path).troubles[0]


def test_the_careful_author_is_published_and_the_other_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "out").mkdir()
    careful, careless = measure(make_repository(tmp_path / "shop", SHOP), "shop", tmp_path / "out")
    assert careful.published == careful.said > 2
    assert careful.citations == careful.published
    assert careless.said > 20
    assert careless.published == 0
    assert (careful.unverified, careful.broken, careless.unverified, careless.broken) == (0, 0, 0, 0)
