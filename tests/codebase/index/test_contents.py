from pathlib import Path

import pytest

from codebase.index import Contents, FolderTree, contents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_bytes(b"one\ntwo\n")
    (tmp_path / "b.py").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path


def test_lines_and_bytes_by_path(folder: Path) -> None:
    found = Contents(FolderTree(folder))
    assert found.lines("a.py") == ["one", "two"]
    assert found.lines("b.py") == ["\ufffd\ufffd"]
    assert found.lines("empty") == []
    assert found.read("empty") == b""
    assert found.read("nowhere") is None
    assert found.lines("nowhere") == []


def test_a_file_that_went_or_is_too_large_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Contents(FolderTree(folder))
    assert found.files["a.py"].size == 8
    (folder / "a.py").unlink()
    assert found.read("a.py") is None
    monkeypatch.setattr(contents, "LARGEST", 1)
    assert found.read("b.py") is None


def test_only_so_much_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_KEPT_BYTES", 9)
    found = Contents(FolderTree(folder))
    found.load(["a.py", "b.py", "b.py", "empty"])
    (folder / "a.py").write_bytes(b"other...")
    assert found.lines("a.py") == ["other..."], "it had been let go for b.py"
    assert found.read("b.py") is not None
