"""The pages for people, and the App's set-up through them."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import github
import httpx
import pytest

from demo.github import Person, Stage, Twin
from tests.demo.conftest import Receiver


@pytest.fixture
def web(stage: Stage) -> Any:
    with httpx.Client(base_url=stage.url, trust_env=False, headers={"accept": "text/html,*/*"}) as client:
        yield client


def text(web: httpx.Client, path: str) -> str:
    answer = web.get(path)
    assert answer.status_code == 200, path
    assert answer.headers["content-type"].startswith("text/html")
    assert "<main" in answer.text
    return answer.text


def test_the_repository_and_its_files(web: httpx.Client, stage: Stage) -> None:
    assert stage.repository in text(web, "/")
    page = text(web, f"/{stage.repository}")
    assert "<code>1.5h</code> is counted as five hours" in page
    assert "durations/parsing.py" in page
    assert "_PART = re.compile" in text(web, f"/{stage.repository}/blob/main/durations/parsing.py")
    assert web.get("/_twin/static/style.css").headers["content-type"].startswith("text/css")


def test_the_issue_with_its_timeline(web: httpx.Client, stage: Stage, maria: Person, repo: Any) -> None:
    maria.assign(stage.repository, 1, "forgehand-bot")
    repo.get_issue(1).create_comment("<!-- forgehand:status -->\n**Planning** <script>alert(1)</script>")
    repo.get_issue(1).create_reaction("eyes")
    page = text(web, f"/{stage.repository}/issues/1")
    assert "assigned forgehand-bot" in page
    assert "<strong>Planning</strong>" in page
    assert "<script" not in page
    assert "forgehand:status" not in page
    assert "\N{EYES} forgehand[bot]" in page


def test_the_pull_request_in_four_tabs(web: httpx.Client, stage: Stage, pull: Any, ravi: Person, repo: Any) -> None:
    ravi.review(stage.repository, 2, "REQUEST_CHANGES", "Hm", [{"path": "docs/notes.md", "line": 2, "body": "Why?"}])
    first = next(iter(pull.get_review_comments()))
    pull.create_review_comment_reply(first.id, "Because.")
    repo.create_check_run("forgehand", pull.head.sha, status="in_progress", output={"title": "Proving", "summary": "s"})
    base = f"/{stage.repository}/pull/2"
    conversation = text(web, base)
    for words in ("Why?", "Because.", "changes requested", "docs/notes.md:2", "Proving"):
        assert words in conversation
    assert f'href="/{stage.repository}/issues/1">#1</a>' in conversation
    assert "Notes" in text(web, f"{base}/commits")
    files = text(web, f"{base}/files")
    assert '<tr class="add">' in files
    assert "Because." in files
    assert "in progress" in text(web, f"{base}/checks")
    assert web.get(f"/{stage.repository}/issues/2").headers["location"] == base
    assert "docs/notes.md" in text(web, f"/{stage.repository}/commit/{pull.head.sha}")


def test_the_check_run_and_its_buttons(
    web: httpx.Client, stage: Stage, pull: Any, repo: Any, receiver: Receiver
) -> None:
    note = {"path": "docs/notes.md", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "Hm <b>"}
    output = {"title": "Proven", "summary": "| a | b |\n|---|---|\n| 1 | 2 |", "annotations": [note]}
    button = {"label": "Retry", "description": "Once more", "identifier": "retry"}
    run = repo.create_check_run(
        "forgehand", pull.head.sha, status="completed", conclusion="success", output=output, actions=[button]
    )
    path = f"/{stage.repository}/runs/{run.id}"
    page = text(web, path)
    for words in ("Proven", "<td>1</td>", "Hm &lt;b&gt;", ">Retry</button>", "docs/notes.md:1"):
        assert words in page
    pressed = web.post(f"{path}/press", data={"login": "maria", "identifier": "retry"})
    assert pressed.status_code == 303
    (told,) = receiver.wait("check_run.requested_action")
    assert told.payload["requested_action"]["identifier"] == "retry"
    assert "Sent retry to Forgehand." in text(web, pressed.headers["location"])
    assert web.post(f"{path}/press", data={"login": "otis", "identifier": "retry"}).status_code == 403
    foreign = web.post(
        f"{path}/press", data={"login": "maria", "identifier": "retry"}, headers={"origin": "http://evil.example"}
    )
    assert foreign.status_code == 403


def test_what_is_not_there(web: httpx.Client, stage: Stage, twin: Twin) -> None:
    twin.world.add_repository("brightwork", "secret-plans", private=True)
    for path in ("/no/where", "/brightwork/secret-plans", "/apps/none"):
        assert web.get(path).status_code == 404
    for path in ("issues/9", "pull/1", "runs/1", "commit/abcdef0", "blob/main/none", "blob/--help/none"):
        assert web.get(f"/{stage.repository}/{path}").status_code == 404


def test_registering_and_installing_an_app(web: httpx.Client, stage: Stage, receiver: Receiver, twin: Twin) -> None:
    """The manifest flow from end to end: form, confirmation, code, secrets, installation, a token that works."""
    manifest = {
        "name": "Second Hand",
        "url": "http://127.0.0.1/",
        "hook_attributes": {"url": receiver.url},
        "redirect_url": "http://127.0.0.1:9/callback",
        "default_permissions": {"issues": "write"},
        "default_events": ["issues", "issue_comment"],
    }
    form = {"manifest": json.dumps(manifest)}
    assert "Create GitHub App for brightwork" in web.post("/settings/apps/new?state=abc", data=form).text
    confirmed = web.post("/settings/apps/new?state=abc", data={**form, "confirmed": "yes"})
    target = urlsplit(confirmed.headers["location"])
    query = parse_qs(target.query)
    assert (target.port, query["state"]) == (9, ["abc"])
    code = query["code"][0]
    made = web.post(f"/app-manifests/{code}/conversions")
    assert made.status_code == 201
    secrets = made.json()
    assert secrets["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert secrets["webhook_secret"]
    receiver.wait("ping")
    assert web.post(f"/app-manifests/{code}/conversions").status_code == 404  # a code is good once
    assert "Not installed anywhere yet." in text(web, "/apps/second-hand")
    assert web.post("/apps/second-hand/installations/new", data={"account": "brightwork"}).status_code == 303
    receiver.wait("installation.created")
    assert web.post("/apps/second-hand/installations/new", data={"account": "brightwork"}).status_code == 422
    auth = github.Auth.AppAuth(secrets["id"], secrets["pem"])
    integration = github.GithubIntegration(
        auth=auth, base_url=stage.url, retry=None, seconds_between_requests=0, seconds_between_writes=0
    )
    (installation,) = integration.get_installations()
    found = integration.get_github_for_installation(installation.id).get_repo(stage.repository)
    assert found.get_issue(1).create_comment("hello").user.login == "second-hand[bot]"


@pytest.mark.parametrize(
    "manifest",
    ["no json", "[]", "{}", '{"name": "x", "url": "u", "redirect_url": "r", "hook_attributes": {"url": "x"}}'],
)
def test_a_wrong_manifest_is_refused(web: httpx.Client, manifest: str) -> None:
    assert web.post("/settings/apps/new", data={"manifest": manifest}).status_code == 422
