"""The measure of speed, run once on a small repository; its picture and its arithmetic by hand."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals import search_speed
from evals.bars import Bar, drawn
from evals.search_speed import PartFailed, percentile, run
from tests.cli.ground import SUMS, make_repository


def test_every_part_of_a_small_repository(tmp_path: Path) -> None:
    clone = make_repository(tmp_path / "repo", SUMS)
    large = tmp_path / "large"
    large.mkdir()
    (large / "a.py").write_text("def a():\n    pass\n")
    told: list[str] = []
    found = search_speed.as_document(search_speed.measure(clone, told.append, large=large))
    lines = sum(str(text).count("\n") for path, text in SUMS.items() if path.endswith(".py"))
    assert found["cold_index"]["python_lines"] == lines
    assert found["cold_index"]["seconds"] > 0
    assert found["cold_index"]["peak_mb"] >= 10, "a Python process alone has more"
    assert found["large"]["lines"] == 2
    assert found["push"]["files"] == 100
    assert 0 < found["warm_query_ms"]["p50"] <= found["warm_query_ms"]["p90"]
    assert found["peers"]["plain BM25 (bm25s)"].startswith("not asked for")
    assert told[0] == "Cold index"


def test_a_part_that_fails_says_why() -> None:
    with pytest.raises(PartFailed, match="the reason"):
        run([sys.executable, "-c", "raise SystemExit('the reason')"])


def test_the_most_memory_is_seen() -> None:
    part = run([sys.executable, "-c", "import time; held = bytes(range(256)) * 400_000; time.sleep(1); print('{}')"])
    assert 100 < part.peak_mb < 400


@pytest.mark.parametrize(("share", "value"), [(0.5, 3.0), (0.9, 5.0), (0.0, 1.0)])
def test_percentiles(share: float, value: float) -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], share) == value


def test_bars_are_as_long_as_they_say() -> None:
    picture = ElementTree.fromstring(drawn("A <title>", [Bar("ours", 1.0), Bar("theirs & co", 100.0, "note")]))
    widths = [float(one.attrib["width"]) for one in picture.iter() if one.tag.endswith("rect")]
    assert widths[0] < widths[1] <= 760 - 190 - 190
    texts = [one.text for one in picture.iter() if one.tag.endswith("text")]
    assert {"A <title>", "theirs & co", "100 · note"} <= set(texts)
    assert drawn("none", []).startswith("<svg")
