"""The whole way on the shop floor: a research window begins with the place the ticket is about, and can search on."""

from pathlib import Path
from typing import Any

from agent.journal import Observed, Opened, from_json
from store import journal
from tests.workers.floor import Floor, durations_script, furnished_floor
from workers.indexes import Indexes
from workers.status import describe


def entries(floor: Floor, window: str) -> list[Any]:
    with floor.workshop.database.read() as session:
        return [from_json(one.entry["json"]) for one in journal.load(session, floor.task().id, window)]


def opening(floor: Floor, window: str) -> str:
    (opened,) = [entry for entry in entries(floor, window) if isinstance(entry, Opened)]
    return opened.brief


def script_that_searches() -> dict[str, Any]:
    script = durations_script()
    search = {"tool": "search_code", "args": {"query": "where is an amount with its unit parsed"}}
    script["phases"]["research"][0] = {"expect": r"durations/parsing\.py:14-31 parse_duration", "call": [search]}
    script["phases"]["research"][1]["expect"] = r"\d+\. durations/parsing\.py:14-31 parse_duration"
    return script


def test_the_window_begins_with_the_place_and_goes_on_searching(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=script_that_searches()) as floor:
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        research = opening(floor, "1/research#1")
        assert "durations/parsing.py:14-31 parse_duration" in research
        assert "found, not verified" in research
        observed = [entry for entry in entries(floor, "1/research#1") if isinstance(entry, Observed)]
        (answer,) = [entry for entry in observed if entry.tool == "search_code"]
        assert "def parse_duration(text: str) -> int:" in answer.text
        assert "Places that search ranked" in opening(floor, "1/plan#1")
        assert "Places that search ranked" in opening(floor, "1/implement#1")
        assert "search ranked" not in opening(floor, "1/prove#1")
        (located,) = [event.data for event in floor.log() if event.kind == "located"]
        assert located["rev"] == task.base_sha
        index = floor.workshop.settings.state_dir / "indexes" / f"github-{task.repository_id}.db"
        assert index.is_file()


def test_a_task_without_an_index_goes_its_way(tmp_path: Path, monkeypatch: Any) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Indexes, "_build", fail)
    with furnished_floor(tmp_path) as floor:
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        assert "Where to look first" not in opening(floor, "1/research#1")
        (missing,) = [event for event in floor.log() if event.kind == "not_located"]
        assert describe(missing) == (
            "- The code could not be searched for the ticket, work goes on without: OSError: no space left on device"
        )
