"""Which code decides: another word for other code, wherever in `kernels` it is."""

import shutil
from pathlib import Path

import kernels
from kernels.version import code_digest


def test_it_changes_with_the_code_that_decides_and_with_nothing_else(tmp_path: Path) -> None:
    def copied(name: str) -> Path:
        room = tmp_path / name
        shutil.copytree(Path(kernels.__file__).parent, room, ignore=shutil.ignore_patterns("__pycache__"))
        return room

    ours = code_digest()
    assert code_digest(copied("as-it-is")) == ours
    others = copied("others")
    (others / "README.txt").write_text("words")
    (others / "corpus" / "softmax" / "honest" / "one_more.py").write_text("x = 1\n")
    assert code_digest(others) == ours
    for number, place in enumerate(["comparing.py", "worker/candidate.py", "rendering/words.py"]):
        room = copied(str(number))
        with (room / place).open("a") as file:
            file.write("\n")
        assert code_digest(room) != ours
    moved = copied("moved")
    (moved / "seeds.py").rename(moved / "worker" / "seeds.py")
    assert code_digest(moved) != ours
