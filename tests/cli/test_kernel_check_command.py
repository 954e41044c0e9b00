"""`forgehand kernel check`: a kernel as the repository names it, and what is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import kernel
from cli.errors import CannotRun
from cli.kernel_entry import read_entry
from tests.workers.kernel_ground import BASE, BROKEN, CANDIDATE, REFERENCE_PATH, SETTINGS


def put(folder: Path, **changes: str) -> Path:
    for path, text in (BASE | changes).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_what_is_read(tmp_path: Path) -> None:
    task, candidate = read_entry(put(tmp_path), "running-sum")
    assert (task.name, task.source, task.train) == ("running-sum", BASE[REFERENCE_PATH].encode(), True)
    assert (candidate.name, candidate.source) == (CANDIDATE, BASE[CANDIDATE].encode())
    (tmp_path / ".forgehand.yml").write_text(SETTINGS + "    mode: eval\n    layouts: [offset]\n")
    stricter, _ = read_entry(tmp_path, "running-sum")
    assert (stricter.train, stricter.layouts) == (False, ("offset",))


@pytest.mark.parametrize(
    ("changes", "name", "says"),
    [
        ({}, "gelu", "names no kernel 'gelu': running-sum"),
        ({".forgehand.yml": "test: x\n"}, "running-sum", "names no kernel 'running-sum': none"),
        ({".forgehand.yml": SETTINGS.replace("name:", "nam:")}, "running-sum", ".forgehand.yml:3: 'nam' is no key"),
        ({".forgehand.yml": SETTINGS.replace("_ref", "_gone")}, "running-sum", "is not there"),
        ({REFERENCE_PATH: "x = 1\n"}, "running-sum", "defines no Model"),
        ({".forgehand.yml": SETTINGS + "    layouts: [round]\n"}, "running-sum", "round is none of"),
        ({CANDIDATE: "#" * (1 << 20) + "\n"}, "running-sum", "more than 1048576 bytes"),
    ],
)
def test_what_is_refused(changes: dict[str, str], name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(CannotRun) as refused:
        read_entry(put(tmp_path, **changes), name)
    assert says in str(refused.value)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, **{CANDIDATE: BROKEN})
    with pytest.raises(SystemExit) as ended:
        kernel.app(["check", "running-sum", "--folder", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert (found["verdict"], found["line"], found["candidate"]["name"]) == ("parse_error", 4, CANDIDATE)
    assert found["repro"] == "forgehand kernel check running-sum"
