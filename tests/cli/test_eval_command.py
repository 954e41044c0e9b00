"""`forgehand eval` on a real clone."""

import json
from pathlib import Path

from tests.cli.ground import SUMS, Forgehand, git, make_repository, put
from tests.evals.test_localise import ROW
from tests.evals.test_static_vectors import model


def test_the_command_measures_a_clone(forgehand: Forgehand, tmp_path: Path) -> None:
    (tmp_path / "clones").mkdir()
    clone = make_repository(tmp_path / "clones" / "octo+sums", SUMS)
    data = tmp_path / "dev.json"
    data.write_text(json.dumps([{**ROW, "base_commit": git(clone, "rev-parse", "HEAD")}]))
    arguments = ["eval", "localise", "--data", str(data), "--clones", str(tmp_path / "clones")]
    ran = forgehand(*arguments, "--json")
    assert ran.status == 0, ran.err
    assert ran.document["forgehand"]["measures"]["file@1"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert "file@1" in forgehand(*arguments).out
    refused = forgehand("eval", "localise", "--data", str(tmp_path / "none"), "--clones", str(tmp_path))
    assert (refused.status, "--data" in refused.err) == (2, True)


def test_the_command_makes_its_issues_from_a_history(forgehand: Forgehand, tmp_path: Path) -> None:
    clone = make_repository(tmp_path / "octo+sums", SUMS)
    assert forgehand("eval", "localise", "--from-history", str(clone)).status == 2, "one commit, no reason given"
    fixed = str(SUMS["sums.py"]).replace("numbers[1:]", "numbers")
    put(clone, {"sums.py": fixed, "tests/test_sums.py": "import unittest\n"})
    git(clone, "commit", "-qam", "Count every number\n\nWhoever adds numbers got the sum of all but the first of them, "
        "because the loop began at the second one, so totals were always too low.")  # fmt: skip
    ran = forgehand("eval", "localise", "--from-history", str(clone), "--ablate")
    assert ran.status == 0, ran.err
    assert "1 issues" in ran.out
    assert "without extents" in ran.out
    for arguments in ([], ["--data", "x"], ["--from-history", str(clone), "--data", "x", "--clones", "y"]):
        assert forgehand("eval", "localise", *arguments).status == 2


def test_the_second_look_is_measured_beside_search(forgehand: Forgehand, tmp_path: Path) -> None:
    (tmp_path / "clones").mkdir()
    clone = make_repository(tmp_path / "clones" / "octo+sums", SUMS)
    data = tmp_path / "dev.json"
    data.write_text(json.dumps([{**ROW, "base_commit": git(clone, "rev-parse", "HEAD")}]))
    arguments = ["eval", "localise", "--data", str(data), "--clones", str(tmp_path / "clones"), "--second-look"]
    ran = forgehand(*arguments, str(model(tmp_path / "model")), "--json")
    assert ran.status == 0, ran.err
    assert ran.document["with a second look"]["measures"]["file@10"]["mean"] == 1.0
    assert forgehand(*arguments, str(tmp_path)).status == 2
