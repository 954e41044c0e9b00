"""`forgehand solve` begins where search says, has its tools, and shares its index with `forgehand search`."""

import json
from pathlib import Path
from typing import Any

from tests.cli.ground import SCRIPT, Forgehand, call, usual, write_script


def entries(out: Path, window: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "trajectory.jsonl").read_text().splitlines()]
    return [line["entry"] for line in lines if line["window"] == window]


def test_the_window_begins_with_the_place_and_searches_on(
    forgehand: Forgehand, sums: Path, issue: Path, state: Path, tmp_path: Path
) -> None:
    searching = [call("search_code", query="where are numbers added up", top=3), usual("research")[-1]]
    searching[0]["expect"] = r"1\. sums\.py:1-6 total\n     1  def total\(numbers\):"
    searching[1]["expect"] = r"1\. sums\.py:1-6 total"
    out = tmp_path / "out"
    model = write_script(tmp_path / "script.yml", research=searching)
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", model, "--out", out, "--json")
    assert (ran.status, ran.document["outcome"]) == (0, "proven"), ran.err
    opened, *_ = entries(out, "1/research#1")
    assert "found, not verified" in opened["brief"]
    (answer,) = [entry for entry in entries(out, "1/research#1") if entry.get("tool") == "search_code"]
    assert answer["ok"]
    (index,) = (state / "indexes").glob("*.db")
    before = index.stat().st_ino
    found = forgehand("search", "--repo", sums, "--query", "total of numbers", "--json")
    assert found.document[0]["symbol"] == "total"
    assert [path.stat().st_ino for path in (state / "indexes").glob("*.db")] == [before]


def test_without_an_index_it_is_solved_all_the_same_and_told(
    forgehand: Forgehand, sums: Path, issue: Path, state: Path, tmp_path: Path
) -> None:
    state.mkdir(exist_ok=True)
    (state / "indexes").write_text("in the way\n")
    ran = forgehand(
        "solve", "--repo", sums, "--issue", issue, "--model", f"scripted:{SCRIPT}", "--out", tmp_path / "out", "--json"
    )
    assert (ran.status, ran.document["outcome"]) == (0, "proven"), ran.err
    assert "could not be searched for the ticket" in ran.err
    opened, *_ = entries(tmp_path / "out", "1/research#1")
    assert "Where to look first" not in opened["brief"]
