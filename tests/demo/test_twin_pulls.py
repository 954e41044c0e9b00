"""Pull requests from opening to merge."""

from typing import Any

import github
import httpx
import pytest

from demo.github import Person, Stage, Twin
from tests.demo.conftest import Clone, Receiver


def refusal(error: pytest.ExceptionInfo[github.GithubException]) -> str:
    errors = error.value.data.get("errors") or [{}]
    return f"{error.value.status} {error.value.data['message']} {errors[0]}"


def test_opening_tells_and_shows_the_change(pull: Any, repo: Any, receiver: Receiver, branch: str) -> None:
    assert (pull.number, pull.head.sha, pull.user.login) == (2, branch, "forgehand[bot]")
    assert (pull.additions, pull.deletions, pull.changed_files, pull.commits) == (3, 0, 1, 1)
    assert [one.filename for one in pull.get_files()] == ["docs/notes.md"]
    assert [one.sha for one in pull.get_commits()] == [branch]
    (opened,) = receiver.wait("pull_request.opened")
    assert opened.payload["pull_request"]["head"]["ref"] == "work"
    assert repo.get_issue(2).pull_request is not None
    assert [one.number for one in repo.get_commit(branch).get_pulls()] == [2]


def test_mergeable_is_null_first_and_computed_then(pull: Any, repo: Any, clone: Clone) -> None:
    assert pull.mergeable is None
    assert repo.get_pull(2).mergeable is None
    assert repo.get_pull(2).mergeable is True
    clone.write("docs/notes.md", "more\n")
    clone.commit()
    clone.git("push", "-q", "origin", "work")
    assert repo.get_pull(2).mergeable is None  # a new head is judged anew
    assert repo.get_pull(2).mergeable_state == "clean"


def test_conflicts_are_found(pull: Any, repo: Any, clone: Clone, maria: Person, stage: Stage) -> None:
    clone.git("checkout", "-q", "main")
    clone.write("docs/notes.md", "something else\n")
    clone.commit()
    clone.git("push", "-q", "origin", "main")
    repo.get_pull(2)
    assert repo.get_pull(2).mergeable_state == "dirty"
    with pytest.raises(httpx.HTTPStatusError, match="405"):
        maria.merge(stage.repository, 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"head": "nothing", "base": "main"}, "'field': 'head'"),
        ({"head": "work", "base": "nothing"}, "'field': 'base'"),
        ({"head": "otis:work", "base": "main"}, "'field': 'head'"),
        ({"head": "main", "base": "work"}, "No commits between work and main"),
    ],
)
def test_what_cannot_be_opened(repo: Any, branch: str, twin: Twin, asked: dict[str, str], said: str) -> None:
    twin.ci.enabled = False
    with pytest.raises(github.GithubException) as error:
        repo.create_pull(title="x", **asked)
    assert said in refusal(error)


def test_one_pull_request_a_branch(pull: Any, repo: Any) -> None:
    with pytest.raises(github.GithubException) as error:
        repo.create_pull(title="again", head="brightwork:work", base="main")
    assert "A pull request already exists for brightwork:work." in refusal(error)
    assert [one.number for one in repo.get_pulls(head="brightwork:work")] == [2]
    assert list(repo.get_pulls(head="brightwork:other")) == []
    assert list(repo.get_pulls(base="other")) == []


def test_drafts_and_repositories_without_them(repo: Any, twin: Twin, branch: str) -> None:
    twin.ci.enabled = False
    twin.controls().drafts("brightwork/durations", allowed=False)
    with pytest.raises(github.GithubException) as error:
        repo.create_pull(title="x", head="work", base="main", draft=True)
    assert "Draft pull requests are not supported in this repository." in refusal(error)
    twin.controls().drafts("brightwork/durations", allowed=True)
    made = repo.create_pull(title="x", head="work", base="main", draft=True)
    assert made.draft is True
    with pytest.raises(github.GithubException) as error:
        made.merge()
    assert error.value.status == 405


def test_pushing_brings_it_up_to_date(pull: Any, repo: Any, clone: Clone, receiver: Receiver, branch: str) -> None:
    clone.write("docs/notes.md", "one\n")
    sha = clone.commit()
    clone.git("push", "-q", "origin", "work")
    (told,) = receiver.wait("pull_request.synchronize")
    assert (told.payload["before"], told.payload["after"]) == (branch, sha)
    assert repo.get_pull(2).head.sha == sha
    fetched = clone.git("ls-remote", "origin", "refs/pull/2/head").stdout
    assert fetched.startswith(sha)


def test_changing_text_base_and_state(pull: Any, repo: Any, receiver: Receiver, clone: Clone) -> None:
    clone.git("push", "-q", "origin", "main:release")
    pull.edit(title="New title", body="New body", base="release")
    edited = receiver.wait("pull_request.edited", 2)
    changes = {key for one in edited for key in one.payload["changes"]}
    assert changes == {"title", "body", "base"}
    pull.edit(state="closed")
    (closed,) = receiver.wait("pull_request.closed")
    assert closed.payload["pull_request"]["merged"] is False
    pull.edit(state="open")
    receiver.wait("pull_request.reopened")
    assert [one.state for one in repo.get_pulls(state="all")] == ["open"]


def test_a_merge_closes_what_it_fixes(pull: Any, repo: Any, maria: Person, stage: Stage, receiver: Receiver) -> None:
    assert not pull.is_merged()
    merged = maria.merge(stage.repository, 2)
    (closed,) = receiver.wait("pull_request.closed")
    assert closed.payload["pull_request"]["merged"] is True
    receiver.wait("issues.closed")
    assert repo.get_issue(1).state == "closed"
    assert repo.get_branch("main").commit.sha == merged["sha"]
    assert repo.get_pull(2).is_merged()
    assert repo.get_pull(2).merged_by.login == "maria"
    assert len(repo.get_git_commit(merged["sha"]).parents) == 2


def test_a_squash_has_one_parent(pull: Any, repo: Any) -> None:
    done = pull.merge(merge_method="squash", sha=pull.head.sha)
    assert len(repo.get_git_commit(done.sha).parents) == 1
    assert repo.get_git_commit(done.sha).message.startswith("Notes (#2)")


@pytest.mark.parametrize(("how", "status"), [({"merge_method": "rebase"}, 405), ({"sha": "0" * 40}, 409)])
def test_merges_that_are_refused(pull: Any, how: dict[str, str], status: int) -> None:
    with pytest.raises(github.GithubException) as error:
        pull.merge(**how)
    assert error.value.status == status


def test_requested_reviewers(pull: Any, receiver: Receiver, ravi: Person, stage: Stage) -> None:
    pull.create_review_request(reviewers=["ravi"])
    (asked,) = receiver.wait("pull_request.review_requested")
    assert asked.payload["requested_reviewer"]["login"] == "ravi"
    assert [one.login for one in pull.get_review_requests()[0]] == ["ravi"]
    pull.delete_review_request(reviewers=["ravi"])
    receiver.wait("pull_request.review_request_removed")
    with pytest.raises(github.GithubException) as error:
        pull.create_review_request(reviewers=["forgehand[bot]"])
    assert error.value.status == 422


def test_deleting_the_branch_closes_it(pull: Any, repo: Any, clone: Clone, receiver: Receiver) -> None:
    clone.git("push", "-q", "origin", ":work")
    receiver.wait("pull_request.closed")
    assert repo.get_pull(2).state == "closed"
    with pytest.raises(github.GithubException) as error:
        repo.get_pull(2).edit(state="open")
    assert error.value.status == 422


def test_labels_and_assignees_of_a_pull_request_are_its_own_events(
    pull: Any, maria: Person, stage: Stage, receiver: Receiver
) -> None:
    maria.label(stage.repository, 2, "bug")
    maria.unlabel(stage.repository, 2, "bug")
    maria.assign(stage.repository, 2, "ravi")
    maria.unassign(stage.repository, 2, "ravi")
    for action in ("labeled", "unlabeled", "assigned", "unassigned"):
        receiver.wait(f"pull_request.{action}")
    maria.comment(stage.repository, 2, "hello")
    (told,) = receiver.wait("issue_comment.created")
    assert told.payload["issue"]["pull_request"]["url"].endswith("/pulls/2")


def test_an_outsider_cannot_open_one(stage: Stage, otis: Person, branch: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.ask("POST", f"/repos/{stage.repository}/pulls", {"title": "x", "head": "work", "base": "main"})
