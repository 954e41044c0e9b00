"""Building a wiki again: only what changed is written, only what was written here is touched."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from codebase.wiki import FolderRefused, opened
from codebase.wiki.folder import MANIFEST, Draft
from codebase.wiki.references import forge_of
from evals.wiki_links import check_wiki
from tests.codebase.wiki.making import COMMIT, SHOP, built, bytes_of

LATER = "f" * 40


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def text_of(folder: Path, page: str) -> str:
    return (folder / page).read_text(encoding="utf-8")


def test_all_pages_hold_together(tmp_path: Path) -> None:
    done = built(SHOP, tmp_path / "wiki", tmp_path)
    checked = check_wiki(tmp_path / "wiki")
    assert checked.troubles == []
    assert checked.pages == len(done.written)
    assert checked.links > 100
    assert {"index.html", "parts.html", "entry-points.html", "testing.html", "rules.html", "people.html"} <= {
        *done.written
    }


def test_an_unchanged_repository_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    first = built(SHOP, out, tmp_path)
    before = stamps(out)
    again = built(SHOP, out, tmp_path)
    assert (again.written, again.removed) == ((), ())
    assert sorted(again.unchanged) == sorted(first.written)
    assert stamps(out) == before


def test_a_change_in_one_file_writes_what_tells_of_it(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    before = bytes_of(out)
    changed = {**SHOP, "shop/goods.py": SHOP["shop/goods.py"].replace("One thing on a shelf", "A thing")}
    done = built(changed, out, tmp_path, commit=LATER)
    written = {name for name in done.written if not name.startswith("source/")}
    goods = next(name for name in before if name.startswith("part-shop-goods"))
    till = next(name for name in before if name.startswith("part-shop-till"))
    assert goods in written
    assert "A thing." in text_of(out, goods)
    # The till's page cites its own file only, and so do the rules and the tests.
    assert not {till, "rules.html", "testing.html", "people.html"} & written
    after = bytes_of(out)
    for name in done.unchanged:
        assert after[name] == before[name], name
    assert [name for name in done.written if name.startswith("source/")] == [
        name for name in after if "goods-py" in name and name.startswith("source/")
    ]
    assert len(done.removed) == 1
    assert check_wiki(out).troubles == []


def test_the_overview_says_at_which_commit_it_is_and_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    done = built(SHOP, out, tmp_path, commit=LATER)
    assert done.written == ("index.html",)
    assert LATER in text_of(out, "index.html")
    assert COMMIT in text_of(out, "parts.html")


def test_pages_of_what_is_gone_go(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    without = {path: text for path, text in SHOP.items() if path not in ("shop/cli.py", "AGENTS.md")}
    done = built(without, out, tmp_path)
    assert "rules.html" in done.removed
    assert not (out / "rules.html").exists()
    assert check_wiki(out).troubles == []


def test_a_page_that_was_cut_short_or_lost_is_written_anew(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    before = bytes_of(out)
    (out / "parts.html").write_bytes(b"")
    (out / "testing.html").unlink()
    assert sorted(built(SHOP, out, tmp_path).written) == ["parts.html", "testing.html"]
    assert bytes_of(out) == before


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda out: (out / "notes.txt").write_text("mine"), "holds no wiki"),
        (lambda out: (out / MANIFEST).write_text("{"), "cannot be understood"),
        (
            lambda out: (out / MANIFEST).write_text('{"format": 1, "files": {}, "pending": ["../x"]}'),
            "strange name",
        ),
        (lambda out: (out / MANIFEST).write_text('{"format": 99, "files": {}, "pending": []}'), "another format"),
        (lambda out: (out / MANIFEST).write_text('{"format": 1, "files": {"a.html": 3}, "pending": []}'), "understood"),
        (lambda out: (out / MANIFEST).symlink_to("/etc/hostname"), "holds no wiki"),
    ],
)
def test_a_folder_that_is_not_ours_is_left_alone(prepare: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    out.mkdir()
    prepare(out)
    before = bytes_of(out)
    with pytest.raises(FolderRefused, match=said):
        built(SHOP, out, tmp_path)
    assert bytes_of(out) == before


def test_a_strange_file_with_a_name_that_is_needed_is_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    without = {path: text for path, text in SHOP.items() if path != "AGENTS.md"}
    built(without, out, tmp_path)
    (out / "rules.html").write_text("mine")
    before = bytes_of(out)
    with pytest.raises(FolderRefused, match=r"rules\.html is not of our making"):
        built(SHOP, out, tmp_path)
    assert bytes_of(out) == before
    (out / "mine.txt").write_text("mine too")
    (out / "rules.html").unlink()
    built(SHOP, out, tmp_path)
    assert (out / "mine.txt").read_text() == "mine too"


def test_a_link_in_the_place_of_the_sources_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    (out / "source").rename(tmp_path / "elsewhere")
    (out / "source").symlink_to(tmp_path / "elsewhere")
    before = bytes_of(tmp_path / "elsewhere")
    with pytest.raises(FolderRefused, match="no folder of ours"):
        built({"a.py": "x = 1\n"}, out, tmp_path)
    assert bytes_of(tmp_path / "elsewhere") == before


def test_two_builds_at_a_time_do_not_meet(tmp_path: Path) -> None:
    with opened(tmp_path / "wiki"), pytest.raises(FolderRefused, match="Another build"), opened(tmp_path / "wiki"):
        pass


def test_a_build_that_fails_leaves_the_old_wiki_whole(tmp_path: Path) -> None:
    out = tmp_path / "wiki"
    built(SHOP, out, tmp_path)
    before = bytes_of(out)

    def broken() -> str:
        raise RuntimeError("in mid-build")

    with pytest.raises(RuntimeError), opened(out) as folder:
        folder.publish({"index.html": Draft("new", lambda: "<p>new</p>"), "parts.html": Draft("new", broken)})
    assert {name: data for name, data in bytes_of(out).items() if not name.startswith(".")} == before
    assert built(SHOP, out, tmp_path).written == ()


def _killed_at(out: Path, cache: Path, step: int) -> None:
    """Builds a changed wiki and kills itself before its `step`-th change of the folder."""
    left = step
    replace, unlink = os.replace, Path.unlink

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def replacing(source: str, target: str) -> None:
        tick()
        replace(source, target)

    def unlinking(self: Path, missing_ok: bool = False) -> None:
        tick()
        unlink(self, missing_ok)

    os.replace, Path.unlink = replacing, unlinking  # type: ignore[assignment, method-assign]  # in a process of its own
    built(_CHANGED, out, cache, commit=LATER)


_CHANGED = {
    **{path: text for path, text in SHOP.items() if path != "AGENTS.md"},
    "shop/goods.py": SHOP["shop/goods.py"].replace("class Price:", "class Cost:\n    pass\n\n\nclass Price:"),
    "shop/shelf.py": "from shop.goods import Goods\n\n\nclass Shelf(Goods):\n    '''Holds goods.'''\n",
}


def test_killed_at_any_point_every_link_still_leads_somewhere_and_the_next_build_ends_it(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    built(SHOP, reference, tmp_path)
    built(_CHANGED, reference, tmp_path, commit=LATER)
    wanted = bytes_of(reference)
    spawning = multiprocessing.get_context("spawn")
    ended = []
    for step in (1, 4, 12, 20, 26, 200):
        out = tmp_path / f"wiki{step}"
        built(SHOP, out, tmp_path)
        process = spawning.Process(target=_killed_at, args=(out, tmp_path, step))
        process.start()
        process.join(60)
        ended.append(process.exitcode)
        assert check_wiki_without_stage(out) == [], step
        built(_CHANGED, out, tmp_path, commit=LATER)
        assert bytes_of(out) == wanted, step
    assert -signal.SIGKILL in ended
    assert 0 in ended


def check_wiki_without_stage(out: Path) -> list[str]:
    """The wiki as a visitor meets it: nobody is led into the folder of what is being made."""
    return [one for one in check_wiki(out).troubles if not one.startswith(".forgehand-new")]


def test_permalinks_where_there_is_a_forge(tmp_path: Path) -> None:
    forge = forge_of("git@github.com:ada/shop.git")
    assert forge is not None
    built(SHOP, tmp_path / "wiki", tmp_path, forge=forge)
    checked = check_wiki(tmp_path / "wiki")
    assert checked.troubles == []
    assert checked.outside > 50
    index = text_of(tmp_path / "wiki", "index.html")
    assert f'href="https://github.com/ada/shop/blob/{COMMIT}/README.md#L5-L6"' in index
