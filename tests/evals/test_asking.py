"""`forgehand eval ask`: the questions' file, the figures, and the command on a clone."""

from pathlib import Path

import pytest
import yaml

from codebase.citations import Citation, Claim, Piece, Sentence, Verdict
from codebase.index import Contents
from evals.asking import QUESTIONS, Asked, figures, parts, unresolved
from tests.cli.conftest import forgehand, logging_as_it_was, state
from tests.cli.ground import Forgehand, git, make_repository
from tests.codebase.asking.ground import MORE, SHOP
from tests.codebase.index.making import MemoryTree

__all__ = ["forgehand", "logging_as_it_was", "state"]  # fixtures


def test_our_questions_are_whole() -> None:
    rows = yaml.safe_load(QUESTIONS.read_text("utf-8"))
    there = [row for one in rows.values() for row in one["there"]]
    absent = [question for one in rows.values() for question in one["absent"]]
    assert len(there) >= 60
    assert len(absent) >= 60
    assert all(len(row) >= 2 and row[0].endswith("?") for row in there)
    assert all(isinstance(question, str) for question in absent)
    assert {one["part"] for one in rows.values()} == {"calibration", "held out", "written afterwards"}
    assert all(len(one["commit"]) == 40 for one in rows.values())


def asked(*, gold: bool, found: bool, cited: str = "", part: str = "a") -> Asked:
    return Asked(
        repository="o/r", part=part, question="?", gold=("a.py",) if gold else (), found=found,
        cited=(cited,) if cited else (), claims=1, unverified=0, seconds=0.01,
    )  # fmt: skip


def test_the_figures() -> None:
    rows = [
        asked(gold=True, found=True, cited="a.py"),
        asked(gold=True, found=True, cited="b.py"),
        asked(gold=True, found=False),
        asked(gold=False, found=False, part="b"),
        asked(gold=False, found=False, part="b"),
        asked(gold=False, found=True, cited="b.py", part="b"),
    ]
    told = figures(rows)
    assert (told.questions, told.absent, told.claims) == (6, 3, 6)
    assert told.precision == pytest.approx(2 / 3)
    assert told.recall == pytest.approx(2 / 3)
    assert told.gold_cited == pytest.approx(1 / 3)
    assert told.p50_ms == pytest.approx(10)
    assert list(parts(rows)) == ["all", "a", "b", "o/r"]
    nothing = figures([])
    assert (nothing.precision, nothing.recall, nothing.gold_cited) == (None, None, None)


def test_a_citation_that_does_not_resolve_is_counted() -> None:
    contents = Contents(MemoryTree({"a.py": b"one\ntwo\n"}))

    def claim(*citations: Citation) -> Claim:
        return Claim(Sentence(0, "item", (Piece("x"),), citations), Verdict.supported)

    good = claim(Citation("a.py", 1, 2))
    bad = [claim(), claim(Citation("b.py", 1, 1)), claim(Citation("a.py", 2, 3)), claim(Citation("a.py", 2, 1))]
    assert unresolved([good], contents) == 0
    assert unresolved([good, *bad], contents) == len(bad)


def test_the_command_measures_a_clone(forgehand: Forgehand, tmp_path: Path) -> None:
    files = {path: text for path, text in (SHOP | dict(MORE)).items() if "\n" not in path}
    (tmp_path / "clones").mkdir()
    clone = make_repository(tmp_path / "clones" / "octo+shop", files)
    questions = tmp_path / "questions.yml"
    row = {
        "commit": git(clone, "rev-parse", "HEAD"),
        "part": "held out",
        "there": [["Where is the session cookie signed?", "shop/session.py"]],
        "absent": ["Where is the Kafka consumer?"],
    }
    questions.write_text(yaml.safe_dump({"octo/shop": row}))
    arguments = ["eval", "ask", "--clones", str(tmp_path / "clones"), "--questions", str(questions)]
    ran = forgehand(*arguments, "--json")
    assert ran.status == 0, ran.err
    told = ran.document["octo/shop"]
    assert (told["precision"], told["recall"], told["gold_cited"], told["unverified"]) == (1.0, 1.0, 1.0, 0)
    assert "octo/shop" in forgehand(*arguments, "--misses").out
    refused = forgehand("eval", "ask", "--clones", str(tmp_path), "--questions", str(tmp_path / "none"))
    assert (refused.status, "--questions" in refused.err) == (2, True)
