"""The intake benchmark measures what it says: a small run against the real server, and its judgements."""

import os
import shutil
import sqlite3
import statistics
from pathlib import Path
from typing import Any

import pytest

from evals import contenders
from evals.contenders import CannotMeasure
from evals.intake import Plan, lost_deliveries, main, render, run, write_payloads
from evals.paced_load import percentile, read_requests
from forges.github.signature import verify_sha256
from tests.engines import absent

SECRET = "a-secret-for-the-benchmark"


def test_payloads_are_12_kb_and_signed(tmp_path: Path) -> None:
    write_payloads(tmp_path, SECRET)
    for number in range(1, 9):
        body = (tmp_path / f"payload-{number}.json").read_bytes()
        assert len(body) == 12_000
        assert verify_sha256(body, (tmp_path / f"signature-{number}.txt").read_text(), [SECRET.encode()])
    requests = read_requests(tmp_path, "127.0.0.1:1")
    assert len({body for _, body in requests}) == 8
    assert all(head.endswith(b"X-GitHub-Delivery: ") for head, _ in requests)


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 1000])
def test_percentiles(count: int) -> None:
    values = [float(value) for value in range(count, 0, -1)]
    assert percentile(values, 0.5) == statistics.median_low(values)
    assert sum(value <= percentile(values, 0.99) for value in values) >= 0.99 * count
    assert sum(value < percentile(values, 0.99) for value in values) < 0.99 * count


def database(folder: Path, ids: list[str]) -> Path:
    with sqlite3.connect(folder / "forgehand.db") as connection:
        connection.execute("CREATE TABLE deliveries (delivery_id TEXT)")
        connection.executemany("INSERT INTO deliveries VALUES (?)", [(name,) for name in ids])
    connection.close()
    return folder


@pytest.mark.parametrize(
    ("rows", "seen", "counted", "lost"),
    [
        (["a", "b", "w1", "w2"], ["a", "b"], 2, 0),
        (["a", "b", "w1", "w2", "w3"], ["a", "b"], 2, 0),  # stored, its answer still on the way
        (["a", "w1", "w2"], ["a", "b"], 2, 1),
        (["a", "b", "w1"], ["a", "b"], 2, 1),
        (["a", "w1"], ["a", "b"], 3, 3),
        ([], [], 0, 0),
    ],
)
def test_a_lost_delivery_is_noticed(tmp_path: Path, rows: list[str], seen: list[str], counted: int, lost: int) -> None:
    assert lost_deliveries(database(tmp_path, rows), seen, counted) == lost


def test_a_doubled_delivery_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="twice"):
        lost_deliveries(database(tmp_path, ["a", "a"]), ["a"], 0)


@pytest.mark.timeout(120)
def test_a_small_run(tmp_path: Path) -> None:
    if shutil.which("wrk") is None or (os.cpu_count() or 1) < 2:
        absent("wrk, on a machine with two cores")
    told: list[str] = []
    result = run(Plan(rounds=1, seconds=1, rate=50, connections=4, probot=False), tmp_path, told.append)
    assert result["lost"] == 0
    assert result["errors"] == 0
    assert result["acknowledged"] > 50
    assert result["forgehand"]["per_second"] > 10
    assert 0 < result["forgehand"]["paced_p50_ms"] <= result["forgehand"]["paced_p99_ms"]
    assert len(told) == 1
    assert "p99 at 50 a second" in render(result)
    assert list(tmp_path.iterdir()) == [], "it cleans up"


def figures(**changes: float) -> dict[str, Any]:
    return {
        "per_second": 1000.0,
        "full_p50_ms": 1.0,
        "full_p99_ms": 2.0,
        "busy": 0.9,
        "paced_p50_ms": 1.0,
        "paced_p99_ms": 2.0,
        "paced_max_ms": 3.0,
        "errors": 0,
    } | changes


@pytest.mark.parametrize(
    ("ours", "theirs", "lost", "holds"),
    [
        (figures(), figures(per_second=2000.0), 0, True),
        (figures(), figures(per_second=2001.0), 0, False),
        (figures(paced_p99_ms=50.0), figures(), 0, False),
        (figures(errors=1), figures(), 0, False),
        (figures(), figures(), 1, False),
    ],
)
def test_what_holds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    lost: int,
    holds: bool,
) -> None:
    outcome = {
        "forgehand": ours,
        "probot": theirs,
        "throughput_ratio": ours["per_second"] / theirs["per_second"],
        "acknowledged": 10,
        "lost": lost,
    }
    monkeypatch.setattr("evals.intake.install_probot", lambda: tmp_path)
    monkeypatch.setattr("evals.intake.one_round", lambda *_: outcome)
    result = run(Plan(rounds=3, seconds=1, rate=500, connections=16, probot=True), tmp_path, lambda _: None)
    assert result["holds"] is holds
    text = render(result)
    assert text.endswith("\nholds" if holds else "\ndoes not hold")
    assert "probot ##" in text


def test_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evals.contenders.shutil.which", lambda _: None)
    with pytest.raises(CannotMeasure, match="wrk is not installed: apt-get install wrk"):
        contenders.program("wrk", "apt-get install wrk")
    monkeypatch.setattr("sys.argv", ["intake", "--without-probot", "--dir", str(tmp_path)])
    assert main() == 2
    assert "taskset is not installed" in capsys.readouterr().err
