"""Pushes to the default branch reach mirror and index: against the twin, with real git and a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from repositories import Mirror, Remote
from repositories.locking import exclusive
from store import duties
from tests.cli.ground import git, put
from tests.workers.counter import Counter
from workers import freshness
from workers.freshness import Freshness
from workers.github.desk import mirror_path


class Pusher:
    """Maria's clone, and the host of one worker."""

    def __init__(self, counter: Counter, folder: Path) -> None:
        self.counter, self.tree = counter, folder / "clone"
        stage = counter.place.stage
        address = f"{stage.url}/{stage.repository}.git"
        git(folder, "clone", "-q", address.replace("://", f"://x-access-token:{stage.tokens['maria']}@"), "clone")
        self.freshness = Freshness(counter.workshop, counter.app)
        self.repository = counter.app.installation(stage.installation_id).repository(stage.repository)
        self.info = self.repository.info()
        self.path = mirror_path(counter.workshop.mirrors, self.info.id)

    def push(self, files: dict[str, str], branch: str = "main", *options: str) -> str:
        put(self.tree, dict(files))
        git(self.tree, "add", ".")
        git(self.tree, "commit", "-qm", "More")
        git(self.tree, "push", "-q", *options, "origin", f"HEAD:{branch}")
        return git(self.tree, "rev-parse", "HEAD")

    def clone_here(self) -> Mirror:
        """The mirror that a first task leaves on this host."""
        return Mirror.open(self.path, Remote(self.info.clone_url, self.repository.git_token))

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(row.state, row.outcome) for row in self.counter.hand_over() if row.event == "push"]

    def marks(self) -> dict[str, str]:
        with self.counter.database.read() as session:
            return duties.marks(session, "push:github:")

    def knows(self, sha: str) -> bool:
        return self.counter.workshop.indexes.knows(self.path, sha)


@pytest.fixture
def pusher(counter: Counter, tmp_path: Path) -> Iterator[Pusher]:
    made = Pusher(counter, tmp_path)
    base = git(made.tree, "rev-parse", "HEAD")
    counter.take_in()
    yield made
    counter.place.controls.clear_faults()
    git(made.tree, "push", "-q", "--force", "origin", f"{base}:refs/heads/main")
    counter.workshop.indexes.close()


def test_a_push_is_in_the_index_before_anybody_asks(pusher: Pusher) -> None:
    mirror = pusher.clone_here()
    sha = pusher.push({"durations/zebra.py": "def stripes():\n    return 1\n"})
    assert not mirror.has_commit(sha)
    assert pusher.outcomes() == [("done", "the index follows")]
    assert pusher.freshness.turn() == [pusher.info.full_name]
    assert mirror.resolve("main") == sha
    assert pusher.knows(sha)
    finder = pusher.counter.workshop.indexes.begin(pusher.path, sha).result(timeout=30)
    assert finder.find("zebra stripes", top=1)[0].symbol == "stripes"
    assert pusher.freshness.turn() == [], "done is done"


def test_many_pushes_are_one_turn_and_the_last_one_counts(pusher: Pusher) -> None:
    mirror = pusher.clone_here()
    shas = [pusher.push({"durations/zebra.py": f"def stripes{n}():\n    return 1\n"}) for n in range(3)]
    assert len(pusher.outcomes()) == 3
    assert len(pusher.marks()) == 1
    assert pusher.freshness.turn() == [pusher.info.full_name]
    assert mirror.resolve("main") == shas[-1]
    assert [pusher.knows(sha) for sha in shas] == [False, False, True]


def test_a_repository_has_its_rest(pusher: Pusher) -> None:
    pusher.clone_here()
    pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    assert pusher.freshness.turn()
    later = pusher.push({"a.py": "a = 2\n"})
    pusher.outcomes()
    assert pusher.freshness.turn() == []
    pusher.counter.ahead += freshness.REST_S
    assert pusher.freshness.turn() == [pusher.info.full_name]
    assert pusher.knows(later)


def test_other_branches_and_deletions_are_nothing_to_an_index(pusher: Pusher) -> None:
    pusher.push({"a.py": "a = 1\n"}, "feature")
    git(pusher.tree, "push", "-q", "origin", ":feature")
    assert {state for state, _ in pusher.outcomes()} == {"ignored"}
    assert pusher.marks() == {}
    assert pusher.freshness.turn() == []


def test_a_host_without_the_mirror_leaves_it_to_the_first_task(pusher: Pusher) -> None:
    pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    assert pusher.marks()
    asked = len(pusher.counter.place.controls.journal())
    assert pusher.freshness.turn() == []
    assert not pusher.path.exists()
    assert len(pusher.counter.place.controls.journal()) == asked, "GitHub is asked for nothing"


def test_what_a_task_has_fetched_already_is_not_fetched_again(pusher: Pusher) -> None:
    mirror = pusher.clone_here()
    sha = pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    mirror.fetch()
    pusher.counter.workshop.indexes.begin(pusher.path, sha).result(timeout=30)
    assert pusher.freshness.turn() == []


@pytest.mark.parametrize("kind", ["bad_gateway", "secondary_limit"])
def test_trouble_that_passes_is_met_again(kind: str, pusher: Pusher) -> None:
    pusher.clone_here()
    sha = pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    pusher.counter.place.controls.fault(kind, "GET", r"/repos/[^/]+/[^/]+$", count=5)
    assert pusher.freshness.turn() == []
    assert not pusher.knows(sha)
    pusher.counter.place.controls.clear_faults()
    assert pusher.freshness.turn() == [], "not at once"
    pusher.counter.ahead += 3600
    fresh = Freshness(pusher.counter.workshop, pusher.counter.place.app)
    assert fresh.turn() == [pusher.info.full_name], "another process finds the mark as well"
    assert pusher.knows(sha)


def test_what_cannot_be_followed_is_left(pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    pusher.clone_here()
    pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    calls: list[str] = []

    def fail(*_: object, **__: object) -> float:
        calls.append("once")
        raise OSError("no space left on device")

    monkeypatch.setattr(pusher.counter.workshop.indexes, "refresh", fail)
    assert pusher.freshness.turn() == []
    pusher.counter.ahead += 3600
    assert pusher.freshness.turn() == []
    assert calls == ["once"]


def test_one_process_of_a_host_at_a_time(pusher: Pusher) -> None:
    pusher.clone_here()
    pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    with exclusive(pusher.counter.workshop.mirrors / "freshness.lock", timeout=0.0):
        assert pusher.freshness.turn() == []
    assert pusher.freshness.turn() == [pusher.info.full_name]


def test_one_that_has_to_end_begins_nothing(pusher: Pusher) -> None:
    pusher.clone_here()
    pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    pusher.counter.workshop.draining.set()
    assert pusher.freshness.turn() == []
    pusher.counter.workshop.draining.clear()


def test_a_mark_of_another_release_is_passed_over(pusher: Pusher) -> None:
    pusher.clone_here()
    sha = pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    with pusher.counter.database.write() as session:
        duties.set_mark(session, "push:github:1", '{"repository_id": 1, "colour": "red"}')
        duties.set_mark(session, "push:github:2", "no document")
    assert pusher.freshness.turn() == [pusher.info.full_name]
    assert pusher.knows(sha)


def test_a_mark_says_where_the_branch_went(pusher: Pusher) -> None:
    sha = pusher.push({"a.py": "a = 1\n"})
    pusher.outcomes()
    ((name, value),) = pusher.marks().items()
    assert name == f"push:github:{pusher.info.id}"
    assert f'"sha": "{sha}"' in value
    assert '"branch": "main"' in value
