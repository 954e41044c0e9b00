"""`forgehand readiness` as people and scripts call it."""

import os
from pathlib import Path

from tests.cli.ground import Forgehand, make_repository, put

FILES = {
    "sums.py": "import logging\n",
    "test_sums.py": "def test_x(): pass\n",
    "pyproject.toml": "[project]\nname = 'sums'\n[tool.mypy]\n",
    ".github/workflows/ci.yml": "on: pull_request\njobs:\n  a:\n    steps:\n      - run: pytest\n",
}


def test_json_names_state_and_lines(forgehand: Forgehand, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "sums", FILES)
    ran = forgehand("readiness", "--repo", str(repository), "--json")
    assert ran.status == 1, "style is missing"
    kinds = {one["kind"]: one for one in ran.document["kinds"]}
    assert {kind: one["state"] for kind, one in kinds.items()} == {
        "style": "missing", "types": "present", "unit tests": "enforced", "integration tests": "missing",
        "build": "present", "docs": "missing", "dependencies": "partial", "observability": "present",
    }  # fmt: skip
    (first, *_) = kinds["unit tests"]["evidence"]
    assert (first["path"], first["line"]) == (".github/workflows/ci.yml", 5)
    assert (ran.document["enforced"], ran.document["missing"]) == (1, 3)


def test_people_get_a_table_and_next_steps(forgehand: Forgehand, tmp_path: Path) -> None:
    put(tmp_path / "plain", FILES)
    ran = forgehand("readiness", "--repo", str(tmp_path / "plain"))
    assert ran.status == 1
    assert "1 of 8 enforced by CI" in ran.out
    assert ".github/workflows/ci.yml:5" in ran.out
    assert "Add `ruff.toml`" in ran.out


def test_markdown_and_a_revision(forgehand: Forgehand, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "sums", FILES)
    ran = forgehand("readiness", "--repo", str(repository), "--rev", "HEAD", "--markdown")
    assert ran.out.startswith("# Readiness for an agent\n")
    assert "| unit tests | enforced | CI runs `pytest` (`.github/workflows/ci.yml:5`) |" in ran.out


def test_names_of_files_that_are_no_text(forgehand: Forgehand, tmp_path: Path) -> None:
    put(tmp_path / "plain", FILES)
    (tmp_path / "plain" / "test_sums.py").unlink()
    for name in (b"a\nb|`c_test.py", b"\xff_test.py"):
        Path(os.fsdecode(os.fsencode(tmp_path / "plain") + b"/" + name)).write_text("")
    for form in ([], ["--json"], ["--markdown"]):
        ran = forgehand("readiness", "--repo", str(tmp_path / "plain"), *form)
        assert ran.status == 1, ran.err
        assert "2 test files" in ran.out
        assert "a\nb|" not in ran.out


def test_what_cannot_be_done(forgehand: Forgehand, tmp_path: Path) -> None:
    for arguments, said in (
        (["--repo", str(tmp_path / "no")], "no such folder"),
        (["--repo", str(tmp_path), "--rev", "main"], "no git repository"),
        (["--repo", str(tmp_path), "--json", "--markdown"], "Choose one"),
    ):
        ran = forgehand("readiness", *arguments)
        assert (ran.status, said in ran.err) == (2, True)
