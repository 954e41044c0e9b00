"""Issues, comments, labels, assignees, reactions: over PyGithub, and as webhooks."""

from typing import Any

import github
import httpx
import pytest

from demo.github import Person, Stage, Twin
from tests.demo.conftest import Receiver, token_of


def test_an_issue_reads_as_it_was_written(repo: Any) -> None:
    issue = repo.get_issue(1)
    assert "1.5h" in issue.title
    assert [label.name for label in issue.labels] == ["bug"]
    assert issue.user.login == "maria"


def test_assigning_tells_who_was_assigned(maria: Person, stage: Stage, receiver: Receiver) -> None:
    changed = maria.assign(stage.repository, 1, "forgehand-bot", "otis", "forgehand[bot]")
    assert [one["login"] for one in changed["assignees"]] == ["forgehand-bot"]  # the others are dropped silently
    (told,) = receiver.wait("issues.assigned")
    assert told.payload["assignee"]["login"] == "forgehand-bot"
    assert told.payload["installation"]["id"] == stage.installation_id
    assert told.payload["sender"]["login"] == "maria"
    maria.unassign(stage.repository, 1, "forgehand-bot")
    receiver.wait("issues.unassigned")


def test_who_can_be_assigned(repo: Any) -> None:
    assert repo.has_in_assignees("forgehand-bot")
    assert not repo.has_in_assignees("otis")
    assert not repo.has_in_assignees("forgehand[bot]")
    assert {one.login for one in repo.get_assignees()} == {"maria", "ravi", "forgehand-bot"}


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [
        ("maria", "admin", "admin"),
        ("ravi", "write", "write"),
        ("forgehand-bot", "read", "triage"),
        ("otis", "read", "read"),
    ],
)
def test_what_people_may_do(repo: Any, login: str, permission: str, role: str) -> None:
    assert repo.get_collaborator_permission(login) == permission
    assert repo.get_collaborator_role_name(login) == role


def test_nobody_has_no_permission_on_a_private_repository(twin: Twin, client: github.Github, stage: Stage) -> None:
    twin.world.add_repository("brightwork", "secret-plans", private=True)
    assert client.get_repo("brightwork/secret-plans").get_collaborator_permission("otis") == "none"


def test_labels_make_events_and_new_labels(maria: Person, stage: Stage, receiver: Receiver, repo: Any) -> None:
    maria.label(stage.repository, 1, "forgehand")
    (told,) = receiver.wait("issues.labeled")
    assert told.payload["label"]["name"] == "forgehand"
    assert repo.get_label("forgehand").name == "forgehand"
    maria.unlabel(stage.repository, 1, "forgehand")
    receiver.wait("issues.unlabeled")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        maria.unlabel(stage.repository, 1, "forgehand")


def test_outsiders_may_speak_and_open_issues_but_not_label(otis: Person, stage: Stage, receiver: Receiver) -> None:
    otis.comment(stage.repository, 1, "@forgehand please")
    (told,) = receiver.wait("issue_comment.created")
    assert told.payload["comment"]["author_association"] == "NONE"
    made = otis.open_issue(stage.repository, "Another", labels=["bug"])
    assert made["labels"] == []
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.label(stage.repository, 1, "forgehand")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.assign(stage.repository, 1, "forgehand-bot")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.close(stage.repository, 1)
    otis.close(stage.repository, made["number"])  # one's own issue


def test_comments_of_the_app_are_the_bots(repo: Any, receiver: Receiver) -> None:
    comment = repo.get_issue(1).create_comment("Working on it")
    assert comment.user.login == "forgehand[bot]"
    comment.edit("Done")
    (edited,) = receiver.wait("issue_comment.edited")
    assert edited.payload["changes"]["body"]["from"] == "Working on it"
    assert edited.payload["comment"]["performed_via_github_app"]["slug"] == "forgehand"
    assert [one.body for one in repo.get_issue(1).get_comments()] == ["Done"]
    comment.delete()
    receiver.wait("issue_comment.deleted")
    assert repo.get_issue(1).comments == 0


def test_comments_come_in_pages(repo: Any, stage: Stage) -> None:
    issue = repo.get_issue(1)
    for number in range(7):
        issue.create_comment(f"{number}")
    path = f"{stage.url}/repos/{stage.repository}/issues/1/comments?per_page=3"
    first = httpx.get(path, trust_env=False)
    assert [one["body"] for one in first.json()] == ["0", "1", "2"]
    assert set(first.links) == {"next", "last"}
    last = httpx.get(first.links["last"]["url"], trust_env=False)
    assert [one["body"] for one in last.json()] == ["6"]
    assert set(last.links) == {"prev", "first"}
    assert httpx.get(f"{path}&page=9", trust_env=False).json() == []
    assert len(list(issue.get_comments())) == 7


def test_the_bot_edits_only_its_own_comments(repo: Any, maria: Person, stage: Stage) -> None:
    made = maria.comment(stage.repository, 1, "mine")
    with pytest.raises(github.GithubException) as refused:
        repo.get_issue(1).get_comment(made["id"]).edit("yours")
    assert refused.value.status == 403


@pytest.mark.parametrize("body", ["", "   ", "x" * 65537])
def test_comments_have_limits(repo: Any, body: str) -> None:
    with pytest.raises(github.GithubException) as refused:
        repo.get_issue(1).create_comment(body)
    assert refused.value.status == 422


def test_a_reaction_is_there_once(repo: Any, stage: Stage, client: github.Github) -> None:
    issue = repo.get_issue(1)
    issue.create_reaction("eyes")
    headers = {"authorization": f"Bearer {token_of(client)}"}
    path = f"{stage.url}/repos/{stage.repository}/issues/1/reactions"
    again = httpx.post(path, json={"content": "eyes"}, headers=headers, trust_env=False)
    assert again.status_code == 200
    assert [one.content for one in issue.get_reactions()] == ["eyes"]
    assert httpx.post(path, json={"content": "frown"}, headers=headers, trust_env=False).status_code == 422
    comment = issue.create_comment("x")
    comment.create_reaction("rocket")
    assert [one.content for one in comment.get_reactions()] == ["rocket"]


def test_closing_and_opening_again(maria: Person, stage: Stage, receiver: Receiver, repo: Any) -> None:
    maria.close(stage.repository, 1)
    (closed,) = receiver.wait("issues.closed")
    assert closed.payload["issue"]["state_reason"] == "completed"
    assert repo.get_issue(1).closed_by.login == "maria"
    assert [one.number for one in repo.get_issues(state="open")] == []
    maria.reopen(stage.repository, 1)
    receiver.wait("issues.reopened")


def test_editing_says_what_it_was(repo: Any, receiver: Receiver, maria: Person, stage: Stage) -> None:
    before = repo.get_issue(1).title
    maria.ask("PATCH", f"/repos/{stage.repository}/issues/1", {"title": "Decimals", "body": "New", "labels": []})
    (edited,) = receiver.wait("issues.edited")
    assert edited.payload["changes"]["title"]["from"] == before
    receiver.wait("issues.unlabeled")


def test_issues_are_filtered(repo: Any, maria: Person, stage: Stage) -> None:
    maria.open_issue(stage.repository, "Second", "text", ["enhancement"])
    maria.assign(stage.repository, 1, "ravi")
    assert [i.number for i in repo.get_issues()] == [2, 1]
    assert [i.number for i in repo.get_issues(labels=["bug"])] == [1]
    assert [i.number for i in repo.get_issues(assignee="ravi")] == [1]
    assert [i.number for i in repo.get_issues(assignee="none")] == [2]
    assert [i.number for i in repo.get_issues(creator="otis")] == []


def test_labels_of_a_repository(repo: Any, receiver: Receiver, maria: Person, stage: Stage) -> None:
    assert [label.name for label in repo.get_labels()] == ["bug", "documentation", "enhancement"]
    made = maria.ask("POST", f"/repos/{stage.repository}/labels", {"name": "later", "color": "ff0000"})
    assert made["color"] == "ff0000"
    receiver.wait("label.created")
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        maria.ask("POST", f"/repos/{stage.repository}/labels", {"name": "later"})
    maria.ask("DELETE", f"/repos/{stage.repository}/labels/later")
    receiver.wait("label.deleted")
