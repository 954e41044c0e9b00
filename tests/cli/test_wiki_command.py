"""`forgehand wiki build` as people call it: a clone or a folder in, pages out."""

import subprocess
from pathlib import Path

import pytest
import yaml

from evals.wiki_links import check_wiki
from tests.cli.ground import Forgehand, git, make_repository, put
from tests.codebase.wiki.making import SHOP
from tests.codebase.wiki.test_hostile import NASTY_NAMES


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop", SHOP)


def scripted(path: Path, *said: str) -> str:
    windows = {f"wiki#{number}": [{"say": text}] for number, text in enumerate(said, start=1)}
    windows["wiki"] = windows.pop("wiki#1")  # the first window has no number
    path.write_text(yaml.safe_dump({"phases": windows}))
    return f"scripted:{path}"


def test_pages_of_a_clone(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    ran = forgehand("wiki", "build", "--repo", shop, "--out", tmp_path / "wiki")
    assert ran.status == 0, ran.err
    assert str(tmp_path / "wiki" / "index.html") in ran.out
    assert check_wiki(tmp_path / "wiki").troubles == []
    index = (tmp_path / "wiki" / "index.html").read_text()
    assert git(shop, "rev-parse", "HEAD") in index
    assert "Shop is a small web shop. It sells things." in index
    names = {path.name for path in (tmp_path / "wiki").iterdir()}
    assert {"people.html", "changes.html", "readiness.html", "testing.html", "glossary.html"} <= names


def test_one_json_document_and_nothing_to_write_again(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    arguments = ("wiki", "build", "--repo", shop, "--out", tmp_path / "wiki", "--json")
    first = forgehand(*arguments).document
    assert first["commit"] == git(shop, "rev-parse", "HEAD")
    assert (first["pages"], first["unchanged"], first["prose"]) == (len(first["written"]), 0, None)
    again = forgehand(*arguments).document
    assert (again["written"], again["removed"], again["unchanged"]) == ([], [], first["pages"])


def test_another_commit_by_name(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    put(shop, {"README.md": "# Shop\n\nShop is closed now for good.\n"})
    git(shop, "commit", "-qam", "Close")
    for rev, said in (("HEAD~1", "It sells things"), ("HEAD", "closed now for good")):
        assert forgehand("wiki", "build", "--repo", shop, "--out", tmp_path / "wiki", "--rev", rev).status == 0
        assert said in (tmp_path / "wiki" / "index.html").read_text()


def test_a_plain_folder(forgehand: Forgehand, tmp_path: Path) -> None:
    put(tmp_path / "plain", SHOP)
    ran = forgehand("wiki", "build", "--repo", tmp_path / "plain", "--out", tmp_path / "wiki", "--json")
    assert ran.document["commit"] is None
    assert "without commits" in (tmp_path / "wiki" / "index.html").read_text()
    assert check_wiki(tmp_path / "wiki").troubles == []
    again = forgehand("wiki", "build", "--repo", tmp_path / "plain", "--out", tmp_path / "wiki", "--json")
    assert again.document["written"] == []


def test_permalinks_only_to_what_was_pushed(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    git(shop, "remote", "add", "origin", "https://ada:hunter2@github.com/ada/shop.git")
    out = tmp_path / "wiki"
    forgehand("wiki", "build", "--repo", shop, "--out", out)
    assert check_wiki(out).outside == 0
    git(shop, "update-ref", "refs/remotes/origin/main", "HEAD")
    forgehand("wiki", "build", "--repo", shop, "--out", out)
    checked = check_wiki(out)
    assert checked.outside > 0
    assert checked.troubles == []
    assert all("hunter2" not in page.read_text() for page in out.rglob("*.html"))


def test_a_model_adds_what_its_citations_show(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    said = "`Goods` is one thing on a shelf [shop/goods.py:4-5]. `Goods` come from Mars in 1999 [shop/goods.py:4-5]."
    model = scripted(tmp_path / "author.yml", "Nothing.", said, "Nothing.", "Nothing.")
    out = tmp_path / "wiki"
    arguments = ("wiki", "build", "--repo", shop, "--out", out, "--model", model, "--json")
    ran = forgehand(*arguments)
    assert ran.status == 0, ran.err
    prose = ran.document["prose"]
    assert (prose["sentences"], prose["trouble"]) == (1, None)
    assert any("Mars" in one["text"] for one in prose["dropped"])
    goods = next(out.glob("part-shop-goods*")).read_text()
    assert "is one thing on a shelf" in goods
    assert "scripted:author.yml" in goods
    assert not any("Mars" in page.read_text() for page in out.rglob("*.html"))
    assert check_wiki(out).troubles == []
    again = forgehand(*arguments).document
    assert (again["written"], again["prose"]["asked"]) == ([], 0)


def test_a_model_that_fails_leaves_the_skeleton(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    model = scripted(tmp_path / "author.yml", "Nothing.")
    ran = forgehand("wiki", "build", "--repo", shop, "--out", tmp_path / "wiki", "--model", model)
    assert ran.status == 1
    assert "did not answer for every part" in ran.err
    assert check_wiki(tmp_path / "wiki").troubles == []
    assert (tmp_path / "wiki" / "parts.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "/no/such", "--out", "{out}"], "no such folder"),
        (["--repo", "{repo}", "--out", "{repo}"], "holds no wiki"),
        (["--repo", "{repo}", "--out", "{repo}/README.md"], "cannot be used"),
        (["--repo", "{repo}", "--out", "{out}", "--rev", "no-such"], "no-such"),
        (["--repo", "{plain}", "--out", "{out}", "--rev", "main"], "no git repository"),
        (["--repo", "{plain}", "--out", "{plain}/wiki"], "lies in the folder"),
        (["--repo", "{empty}", "--out", "{out}"], "no commit"),
        (["--repo", "{repo}", "--out", "{out}", "--model", "scripted:/no/such.yml"], "/no/such.yml"),
    ],
)
def test_what_cannot_be_built(
    arguments: list[str], said: str, forgehand: Forgehand, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    names = {name: tmp_path / name for name in ("plain", "empty", "out")} | {"repo": shop}
    ran = forgehand("wiki", "build", *(one.format(**names) for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert git(shop, "status", "--porcelain") == ""
    assert not (tmp_path / "out" / "index.html").exists()


def test_what_git_would_run_is_not_run(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    git(shop, "config", "core.fsmonitor", f"touch {marker}")
    git(shop, "config", "diff.external", f"touch {marker}")
    (shop / ".git" / "hooks" / "post-checkout").write_text(f"#!/bin/sh\ntouch {marker}\n")
    assert forgehand("wiki", "build", "--repo", shop, "--out", tmp_path / "wiki").status == 0
    assert not marker.exists()


def test_names_that_mean_harm_in_a_clone_and_in_a_folder(forgehand: Forgehand, tmp_path: Path) -> None:
    names = [name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") for name in NASTY_NAMES]
    files: dict[str, str | bytes | Path] = dict.fromkeys(names, "def f():\n    pass\n")
    files |= {"loop": Path("."), "there": Path("/etc/hostname"), "deep/" * 60 + "x.py": "x = 1\n"}
    clone = make_repository(tmp_path / "clone", files)
    put(tmp_path / "folder", files)
    for source in (clone, tmp_path / "folder"):
        out = tmp_path / f"wiki-of-{source.name}"
        ran = forgehand("wiki", "build", "--repo", source, "--out", out)
        assert ran.status == 0, ran.err
        checked = check_wiki(out)
        assert checked.troubles == []
        assert len(list((out / "source").iterdir())) >= len(NASTY_NAMES)


def test_a_bare_clone(forgehand: Forgehand, shop: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", shop, tmp_path / "bare.git"], check=True)
    ran = forgehand("wiki", "build", "--repo", tmp_path / "bare.git", "--out", tmp_path / "wiki")
    assert ran.status == 0, ran.err
    assert "<h1>bare</h1>" in (tmp_path / "wiki" / "index.html").read_text()
