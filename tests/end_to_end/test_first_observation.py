"""Search with real processes: what a task is shown before it asks, and an index that follows pushes."""

from pathlib import Path

from agent.journal import Opened, from_json
from cli.demo_house import House
from store import Stage, journal
from tests.cli.ground import git, put
from tests.end_to_end.test_demo import witnessed
from workers.indexes import Indexes


def opening(house: House, window: str) -> str:
    """A window's first message, as the model got it."""
    with house.database.read() as session:
        entries = [from_json(one.entry["json"]) for one in journal.load(session, house.tasks()[0].id, window)]
    return next((entry.brief for entry in entries if isinstance(entry, Opened)), "")


def test_a_task_begins_with_the_place_and_a_push_is_followed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with witnessed(state) as house:
        house.maintainer.assign(house.stage.repository, house.stage.issue, house.stage.trigger_login)
        house.wait("the plan is begun", lambda: bool(house.tasks()) and bool(opening(house, "1/plan#1")), within_s=120)
        task = house.tasks()[0]
        (located,) = [event.data for event in house.events(task.id) if event.kind == "located"]
        assert located["rev"] == task.base_sha
        research = opening(house, "1/research#1")
        assert "durations/parsing.py:14-31 parse_duration" in research
        assert research.count("found, not verified") == 1
        assert "durations/formatting.py" in opening(house, "1/plan#1")

        maria = f"://x-access-token:{house.stage.tokens['maria']}@"
        address = f"{house.stage.url}/{house.stage.repository}.git".replace("://", maria)
        git(tmp_path, "clone", "-q", address, "tree")
        put(tmp_path / "tree", {"durations/zebra.py": "def stripes():\n    return 1\n"})
        git(tmp_path / "tree", "add", ".")
        git(tmp_path / "tree", "commit", "-qm", "Stripes")
        git(tmp_path / "tree", "push", "-q", "origin", "HEAD:main")
        sha = git(tmp_path / "tree", "rev-parse", "HEAD")
        indexes = Indexes(state / "indexes", max_bytes=1 << 30)
        mirror = state / "mirrors" / "github" / f"{task.repository_id}.git"
        took = house.wait("the index follows", lambda: indexes.knows(mirror, sha), within_s=60)
        print(f"the push was in the index after {took:.1f} s")
        assert indexes.begin(mirror, sha).result(timeout=30).find("zebra stripes", top=1)[0].symbol == "stripes"
        old = indexes.begin(mirror, task.base_sha or "").result(timeout=30)
        assert "stripes" not in {hit.symbol for hit in old.find("zebra stripes", top=20)}, "the task's base is its own"
        house.wait("ready for review", lambda: house.tasks()[0].stage == Stage.IN_REVIEW, within_s=180)
