"""This repository through the navigator: what its authors know to be true of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from codebase.index import BlobCache, FolderTree
from codebase.index.tree import File
from codebase.navigation import Navigator

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("codebase/", "cli/", "tests/codebase/", "repositories/", "agent/")


class Part(FolderTree):
    """Some rooms of this repository: other tests write into the rest."""

    def files(self) -> list[File]:
        return [file for file in super().files() if file.path.startswith(FOLDERS)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Navigator]:
    cache = BlobCache(tmp_path_factory.mktemp("index") / "index.db")
    yield Navigator(Part(ROOT), cache)
    cache.close()


def test_definitions(here: Navigator) -> None:
    (found,) = here.definition("codebase.index.links.read_links").places
    assert (found.path, found.kind, found.certainty) == ("codebase/index/links.py", "function", "exact")
    assert found.text == "def read_links(path: str, source: bytes) -> Links:"


def test_uses_and_calls(here: Navigator) -> None:
    uses = here.references("read_links", most=1000)
    assert {one.certainty for one in uses.places} == {"exact"}
    assert {("codebase/index/links.py", "call"), ("tests/codebase/index/test_links.py", "import")} <= {
        (one.path, one.kind) for one in uses.places
    }
    assert all("read_links" in one.text for one in uses.places)
    callers = here.callers("read_links")
    assert "pack_links" in {one.symbol for one in callers.places}
    callees = {one.symbol for one in here.callees("read_links").places}
    assert {"grammar_for", "legible", "parsed", "definitions", "_Reading", "_Reading.read"} <= callees


def test_an_import_in_every_file_leads_somewhere(here: Navigator) -> None:
    """What a file imports of the rooms above is found, and what it is is a definition or a module there."""
    lines = (ROOT / "codebase/navigation/navigator.py").read_text().splitlines()
    for number, line in enumerate(lines, start=1):
        if line.startswith("from codebase."):
            for name in line.partition(" import ")[2].split(", "):
                answer = here.definition(name, path="codebase/navigation/navigator.py", line=number)
                assert [one.certainty for one in answer.places][:1] == ["exact"], line
