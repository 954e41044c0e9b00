"""`forgehand eval tests` on a small history."""

from __future__ import annotations

from pathlib import Path

from tests.cli.ground import Forgehand, make_repository
from tests.evals.test_choosing_tests import make_history


def test_the_command(forgehand: Forgehand, tmp_path: Path) -> None:
    repository = make_history(tmp_path)
    ran = forgehand("eval", "tests", "--repo", str(repository), "--json")
    assert ran.status == 0, ran.err
    assert set(ran.document) == {"shop", "all"}
    assert ran.document["shop"]["map"]["issues"] == 2
    assert ran.document["all"]["name convention"]["measures"]["any@10"]["mean"] == 0.5
    ran = forgehand("eval", "tests", "--repo", str(repository), "--misses")
    assert "shop: 2 changes" in ran.out
    bare = make_repository(tmp_path / "bare", {"a.py": "x = 1\n"})
    refused = forgehand("eval", "tests", "--repo", str(bare))
    assert (refused.status, "No change" in refused.err) == (2, True)
    refused = forgehand("eval", "tests", "--repo", str(tmp_path / "none"))
    assert refused.status == 2
    assert "Traceback" not in refused.err
