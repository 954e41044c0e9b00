"""The whole way on the shop floor: what must hold when nothing goes wrong, and at its ends."""

from pathlib import Path

from store import proofs
from tests.workers.floor import furnished_floor


def test_from_assignment_to_merge(tmp_path: Path) -> None:
    with furnished_floor(tmp_path) as floor:
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        with floor.workshop.database.read() as session:
            proof = proofs.latest(session, task.id)
        assert proof is not None
        assert (proof["verdict"], proof["head_sha"]) == ("proven", task.head_sha)
        (pull,) = floor.pulls()
        assert not pull["draft"]
        assert "Fixes #1" in pull["body"]
        floor.maria.merge(floor.stage.repository, pull["number"])
        task = floor.run("done")
        task = floor.run()
        assert (task.stage, task.finished_at is not None, task.active_subject) == ("done", True, None)
        assert len(floor.comments()) == 1


def test_a_pull_request_closed_by_people_ends_the_task(tmp_path: Path) -> None:
    with furnished_floor(tmp_path) as floor:
        floor.assign()
        task = floor.run("in_review")
        floor.maria.ask("PATCH", f"/repos/{floor.stage.repository}/pulls/{task.pull_number}", {"state": "closed"})
        task = floor.run()
        assert task.stage == "cancelled"
        assert "closed without being merged" in (task.reason or "")


def test_a_retry_goes_on_with_the_open_pull_request(tmp_path: Path) -> None:
    """After a stop in review, /forgehand retry works on the same branch: no second pull request, no lost commit."""
    with furnished_floor(tmp_path) as floor:
        floor.assign()
        first = floor.run("in_review")
        floor.maria.comment(floor.stage.repository, floor.stage.issue, "/forgehand stop")
        floor.take_in(lambda: floor.task().stop_requested_by is not None)
        assert floor.run().stage == "cancelled"
        floor.maria.comment(floor.stage.repository, floor.stage.issue, "/forgehand retry")
        floor.take_in(lambda: len(floor.tasks()) == 2)
        second = floor.run("in_review")
        assert second.stage == "in_review", second.reason
        assert (second.pull_number, second.branch) == (first.pull_number, first.branch)
        assert len(floor.pulls()) == 1
        path = f"/repos/{floor.stage.repository}/pulls/{second.pull_number}/commits"
        shas = [commit["sha"] for commit in floor.maria.ask("GET", path)]
        assert shas.index(first.head_sha) < shas.index(second.head_sha)
