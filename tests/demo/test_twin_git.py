"""Clones and pushes with the real git: who may, what is refused in which words, and what follows."""

import os
import subprocess
from pathlib import Path
from typing import Any

import github
import pytest

from demo import samples
from demo.github import Person, Stage, Twin, git
from demo.github.records import Protection
from tests.demo.conftest import Clone, Receiver, with_token


def test_every_twin_has_the_same_first_commit(tmp_path: Path) -> None:
    shas = set()
    for name in ("a", "b"):
        git.init_bare(tmp_path / name)
        shas.add(samples.build("durations", tmp_path / name))
    assert len(shas) == 1


def test_a_push_tells_its_story(clone: Clone, branch: str, receiver: Receiver, stage: Stage) -> None:
    (made,) = receiver.wait("create")
    assert (made.payload["ref"], made.payload["ref_type"]) == ("work", "branch")
    (push,) = receiver.wait("push")
    assert push.payload["after"] == branch
    assert push.payload["created"] is True
    assert push.payload["head_commit"]["added"] == ["docs/notes.md"]
    assert [one["message"] for one in push.payload["commits"]] == ["Notes"]
    (suite,) = receiver.wait("check_suite.requested")
    assert suite.payload["check_suite"]["head_sha"] == branch
    clone.git("push", "-q", "origin", ":work")
    receiver.wait("delete")


def test_a_forced_push_says_so(clone: Clone, branch: str, receiver: Receiver) -> None:
    clone.git("commit", "-q", "--amend", "-m", "Other notes")
    refused = clone.git("push", "-q", "origin", "work", check=False)
    assert "non-fast-forward" in refused.stderr or "fetch first" in refused.stderr
    clone.git("push", "-q", "--force", "origin", "work")
    assert [one.payload["forced"] for one in receiver.wait("push", 2)] == [False, True]


def test_a_large_push_arrives_in_chunks(clone: Clone, stage: Stage, twin: Twin) -> None:
    clone.git("checkout", "-qb", "large")
    (clone.folder / "blob.bin").write_bytes(os.urandom(3 << 20))
    sha = clone.commit()
    clone.git("push", "-q", "origin", "large")
    bare = twin.world.repository("brightwork", "durations").path
    assert git.refs(bare)["refs/heads/large"] == sha


def test_git_is_asked_for_credentials_first(clone: Clone, stage: Stage) -> None:
    clone.git("checkout", "-qb", "x")
    clone.write("x", "x")
    clone.commit()
    anonymous = f"{stage.url}/{stage.repository}.git"
    refused = clone.git("push", anonymous, "x", check=False)
    assert "could not read Username" in refused.stderr
    wrong = clone.git("push", with_token(anonymous, "ghs_wrong"), "x", check=False)
    assert "Authentication failed" in wrong.stderr


def push_with(clone: Clone, stage: Stage, token: str, ref: str = "HEAD:refs/heads/x") -> str:
    url = with_token(f"{stage.url}/{stage.repository}.git", token)
    return clone.git("push", "--porcelain", url, ref, check=False).stderr


def test_a_token_without_contents_cannot_push(
    clone: Clone, stage: Stage, integration: github.GithubIntegration, twin: Twin
) -> None:
    token = integration.get_access_token(stage.installation_id, permissions={"contents": "read"}).token
    said = push_with(clone, stage, token)
    assert "403" in said
    assert "Permission to brightwork/durations.git denied to forgehand[bot]" in said


def test_outsiders_cannot_push_and_writers_can(clone: Clone, stage: Stage) -> None:
    clone.write("x", "x")
    clone.commit()
    assert "403" in push_with(clone, stage, stage.tokens["otis"])
    assert "error" not in push_with(clone, stage, stage.tokens["ravi"])


def test_workflow_files_need_their_own_permission(clone: Clone, stage: Stage, repo: Any, twin: Twin) -> None:
    clone.git("checkout", "-qb", "flow")
    clone.write(".github/workflows/ci.yml", "on: push\njobs: {}\n")
    clone.write("docs/fine.md", "fine\n")
    clone.commit()
    refused = clone.git("push", "--porcelain", "origin", "flow", "flow:other", check=False)
    words = "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without"
    assert words in refused.stdout + refused.stderr
    assert {ref.name for ref in repo.get_branches()} == {"main"}  # the whole push was rejected
    twin.ci.enabled = False
    assert "error" not in push_with(clone, stage, stage.tokens["ravi"])  # a person may
    assert clone.git("push", "--porcelain", "origin", "flow", check=False).returncode == 0  # known commits are fine


def test_a_protected_branch_takes_pull_requests_only(clone: Clone, twin: Twin, repo: Any) -> None:
    twin.controls().protect("brightwork/durations", "main", ["unit"], pull_request=True)
    clone.write("x", "x")
    clone.commit()
    refused = clone.git("push", "--porcelain", "origin", "main", check=False)
    assert "protected branch hook declined" in refused.stdout
    with pytest.raises(github.GithubException) as error:
        repo.get_git_ref("heads/main").delete()
    assert error.value.status == 422


def test_private_repositories_hide(twin: Twin, stage: Stage, tmp_path: Path) -> None:
    private = twin.world.add_repository("brightwork", "secret-plans", private=True)
    samples.build("durations", private.path)
    url = f"{stage.url}/brightwork/secret-plans.git"
    place = Clone(tmp_path, url)
    assert "could not read Username" in place.git("clone", url, "a", check=False).stderr
    assert "not found" in place.git("clone", with_token(url, stage.tokens["otis"]), "a", check=False).stderr
    private.collaborators["maria"] = "read"
    place.git("clone", "-q", with_token(url, stage.tokens["maria"]), "c")


def test_an_expired_token_is_told_from_a_good_one(clone: Clone, twin: Twin, stage: Stage) -> None:
    clone.write("x", "x")
    clone.commit()
    twin.world.installation_tokens.clear()
    refused = clone.git("push", "origin", "HEAD:refs/heads/x", check=False)
    assert "Authentication failed" in refused.stderr


def test_refs_over_rest(repo: Any, branch: str, receiver: Receiver) -> None:
    ref = repo.create_git_ref("refs/heads/copy", branch)
    assert ref.object.sha == branch
    receiver.wait("create", 2)
    with pytest.raises(github.GithubException) as error:
        repo.create_git_ref("refs/heads/copy", branch)
    assert error.value.data["message"] == "Reference already exists"
    main = repo.get_branch("main").commit.sha
    with pytest.raises(github.GithubException) as error:
        ref.edit(main)
    assert error.value.data["message"] == "Update is not a fast forward"
    ref.edit(main, force=True)
    assert {one.ref for one in repo.get_git_matching_refs("heads/co")} == {"refs/heads/copy"}
    ref.delete()
    with pytest.raises(github.UnknownObjectException):
        repo.get_git_ref("heads/copy")


def test_commits_and_files_over_rest(repo: Any, branch: str) -> None:
    assert repo.get_contents("docs/notes.md", ref="work").decoded_content == b"one\ntwo\nthree\n"
    assert {one.name for one in repo.get_contents("docs")} >= {"time-logs.md", "writing-durations.md"}
    assert {one.path for one in repo.get_contents("")} >= {"README.md", ".github", "durations"}
    with pytest.raises(github.UnknownObjectException):
        repo.get_contents("nope.md")
    compared = repo.compare("main", "work")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("ahead", 1, 0)
    assert [one.filename for one in compared.files] == ["docs/notes.md"]
    commit = repo.get_commit("work")
    assert (commit.sha, commit.stats.additions) == (branch, 3)
    assert len(list(repo.get_commits(sha="work"))) == 2
    made = repo.create_git_commit("By hand", repo.get_git_commit(branch).tree, [repo.get_git_commit(branch)])
    assert made.parents[0].sha == branch
    with pytest.raises(github.GithubException) as error:
        repo.get_commit("nothing")
    assert error.value.status == 422


def test_branch_rules(repo: Any, twin: Twin, stage: Stage, maria: Person, client: github.Github) -> None:
    assert repo.get_branch("main").protected is False
    twin.world.repository("brightwork", "durations").protections["main"] = Protection([("unit", None)], True, True)
    assert repo.get_branch("main").protected is True
    rules = maria.ask("GET", f"/repos/{stage.repository}/rules/branches/main")
    assert {rule["type"] for rule in rules} == {"required_status_checks", "pull_request"}
    required = maria.ask("GET", f"/repos/{stage.repository}/branches/main/protection/required_status_checks")
    assert required["contexts"] == ["unit"]
    assert maria.ask("GET", f"/repos/{stage.repository}/branches/main/protection")["required_status_checks"]["strict"]
    with pytest.raises(github.GithubException) as error:  # the App was not granted administration
        repo.get_branch("main").get_required_status_checks()
    assert error.value.status == 403


def test_the_empty_repository(twin: Twin, client: github.Github, stage: Stage) -> None:
    twin.world.add_repository("brightwork", "empty")
    empty = client.get_repo("brightwork/empty")
    assert list(empty.get_branches()) == []
    with pytest.raises(github.GithubException) as error:
        list(empty.get_commits())
    assert error.value.status == 409


def test_git_answers_are_journaled_without_secrets(clone: Clone, branch: str, twin: Twin) -> None:
    (push,) = [one for one in twin.controls().writes() if one["path"].endswith("git-receive-pack")]
    assert (push["actor"], push["status"], push["handled"]) == ("forgehand[bot]", 200, True)
    assert "ghs_" not in str(twin.controls().journal())


def test_wrong_services_are_not_there(stage: Stage) -> None:
    url = f"{stage.url}/brightwork/nothing.git"
    done = subprocess.run(
        ["git", "ls-remote", url],
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )
    assert done.returncode != 0
