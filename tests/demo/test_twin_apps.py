"""Apps, tokens and what they may do: the answers that an App's authentication rests on."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import github
import httpx
import jwt
import pytest

from demo.github import Stage, Twin
from demo.github.manifest import make_keys
from demo.github.records import Installation
from tests.demo.conftest import token_of


def token_for(stage: Stage, **changed: Any) -> str:
    present = int(time.time())
    claims = {"iss": str(stage.app_id), "iat": present - 60, "exp": present + 300, **changed}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, stage.private_key, "RS256")


def ask(stage: Stage, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})} if token else more.pop("headers", {})
    return httpx.request(method, f"{stage.url}{path}", headers=headers, trust_env=False, **more)


def test_the_app_knows_itself_and_its_installation(integration: github.GithubIntegration, stage: Stage) -> None:
    assert integration.get_app().slug == "forgehand"
    (installation,) = integration.get_installations()
    assert installation.id == stage.installation_id
    found = integration.get_repo_installation("brightwork", "durations")
    assert found.id == stage.installation_id
    assert found.permissions["contents"] == "write"


def test_issuer_may_be_the_client_id(twin: Twin, stage: Stage) -> None:
    client_id = twin.world.apps[stage.app_id].client_id
    assert ask(stage, "GET", "/app", token_for(stage, iss=client_id)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exp": 1}, "exp"),
        ({"exp": int(time.time()) + 86_400}, "too far in the future"),
        ({"iat": int(time.time()) + 86_400}, "iat"),
        ({"iss": "999999"}, "Integration not found"),
        ({"iss": None}, "Integration not found"),
        ({"iat": None}, "could not be decoded"),
    ],
)
def test_a_wrong_jwt_is_refused(stage: Stage, changed: dict[str, Any], said: str) -> None:
    answer = ask(stage, "GET", "/app", token_for(stage, **changed))
    assert answer.status_code == 401
    assert said in answer.json()["message"]


def test_a_jwt_signed_with_another_key_is_refused(stage: Stage) -> None:
    private, _ = make_keys()
    present = int(time.time())
    forged = jwt.encode({"iss": str(stage.app_id), "iat": present, "exp": present + 60}, private, "RS256")
    assert ask(stage, "GET", "/app", forged).status_code == 401


def test_an_unsigned_jwt_is_refused(stage: Stage) -> None:
    present = int(time.time())
    unsigned = jwt.encode({"iss": str(stage.app_id), "iat": present, "exp": present + 60}, "", "none")
    assert ask(stage, "GET", "/app", unsigned).status_code == 401


def test_a_jwt_is_good_for_app_endpoints_only(stage: Stage) -> None:
    assert ask(stage, "GET", f"/repos/{stage.repository}", token_for(stage)).status_code == 401


def test_an_installation_token_is_no_jwt(stage: Stage, client: github.Github) -> None:
    token = token_of(client)
    assert ask(stage, "GET", "/app", token).status_code == 401
    assert ask(stage, "GET", "/user", token).status_code == 403


def test_tokens_really_expire(tmp_path: Path) -> None:
    with Twin(tmp_path / "git", token_life=timedelta(seconds=4)) as twin:
        stage = twin.furnish("durations")
        made = ask(stage, "POST", f"/app/installations/{stage.installation_id}/access_tokens", token_for(stage)).json()
        assert ask(stage, "GET", f"/repos/{stage.repository}", made["token"]).status_code == 200
        expires = datetime.fromisoformat(made["expires_at"])
        while datetime.now(UTC) < expires:
            time.sleep(0.05)
        answer = ask(stage, "GET", f"/repos/{stage.repository}", made["token"])
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def narrowed(stage: Stage, **body: Any) -> httpx.Response:
    path = f"/app/installations/{stage.installation_id}/access_tokens"
    return ask(stage, "POST", path, token_for(stage), json=body)


def test_a_token_can_be_narrowed_to_permissions(stage: Stage) -> None:
    made = narrowed(stage, permissions={"issues": "read"}).json()
    assert made["permissions"] == {"issues": "read", "metadata": "read"}
    issues = f"/repos/{stage.repository}/issues"
    assert ask(stage, "GET", issues, made["token"]).status_code == 200
    refused = ask(stage, "POST", issues, made["token"], json={"title": "no"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")


def test_permissions_that_were_not_granted_cannot_be_asked_for(stage: Stage) -> None:
    assert narrowed(stage, permissions={"workflows": "write"}).status_code == 422
    assert narrowed(stage, permissions={"statuses": "write"}).status_code == 422


def test_a_token_can_be_narrowed_to_repositories(twin: Twin, stage: Stage) -> None:
    private = twin.world.add_repository("brightwork", "secret-plans", private=True)
    public = twin.world.add_repository("brightwork", "leaflets")
    other = twin.world.repository("brightwork", "durations")
    made = narrowed(stage, repository_ids=[other.id]).json()
    assert made["repository_selection"] == "selected"
    assert [one["name"] for one in made["repositories"]] == ["durations"]
    assert ask(stage, "GET", f"/repos/{private.full_name}", made["token"]).status_code == 404
    assert ask(stage, "GET", f"/repos/{public.full_name}", made["token"]).status_code == 200
    refused = ask(stage, "POST", f"/repos/{public.full_name}/issues", made["token"], json={"title": "no"})
    assert refused.status_code == 403
    listed = ask(stage, "GET", "/installation/repositories", made["token"]).json()
    assert [one["name"] for one in listed["repositories"]] == ["durations"]
    assert narrowed(stage, repository_ids=[999999]).status_code == 422


def test_another_apps_installation_is_not_there(twin: Twin, stage: Stage) -> None:
    private, public = make_keys()
    other = twin.world.add_app("other", "Other", "brightwork", public_key=public, permissions={}, events=[])
    present = int(time.time())
    token = jwt.encode({"iss": str(other.id), "iat": present, "exp": present + 60}, private, "RS256")
    path = f"/app/installations/{stage.installation_id}"
    assert ask(stage, "GET", path, token).status_code == 404
    assert ask(stage, "POST", f"{path}/access_tokens", token).status_code == 404


def test_a_suspended_installation_does_nothing(twin: Twin, stage: Stage, client: github.Github) -> None:
    token = token_of(client)
    held: Installation = twin.world.installations[stage.installation_id]
    held.suspended_at = held.created_at
    assert ask(stage, "GET", f"/repos/{stage.repository}", token).status_code == 403
    assert narrowed(stage).status_code == 403


def test_who_is_who(client: github.Github, stage: Stage) -> None:
    bot = client.get_user("forgehand[bot]")
    assert (bot.type, bot.login) == ("Bot", "forgehand[bot]")
    assert client.get_user("maria").name == "Maria Lindqvist"
    with pytest.raises(github.UnknownObjectException):
        client.get_user("nobody")
    assert client.get_app("forgehand").slug == "forgehand"
    assert ask(stage, "GET", "/meta").json()["hooks"]


def test_wrong_credentials_are_401(stage: Stage) -> None:
    for header in ("Bearer ghs_wrong", "token wrong", "Basic abc"):
        answer = ask(stage, "GET", f"/repos/{stage.repository}", headers={"authorization": header})
        assert answer.status_code == 401


def test_anybody_reads_what_is_public_and_writes_nothing(stage: Stage) -> None:
    assert ask(stage, "GET", f"/repos/{stage.repository}/issues/1").status_code == 200
    assert ask(stage, "POST", f"/repos/{stage.repository}/issues", json={"title": "x"}).status_code == 401


def test_headers_of_every_answer(stage: Stage, client: github.Github) -> None:
    token = token_of(client)
    first = ask(stage, "GET", f"/repos/{stage.repository}", token)
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert first.headers["x-github-media-type"].startswith("github.v3")
    assert first.headers["x-github-request-id"]
    again = ask(stage, "GET", f"/repos/{stage.repository}", token, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    third = ask(stage, "GET", f"/repos/{stage.repository}", token)
    assert int(third.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1


def test_unknown_paths_and_broken_json(stage: Stage, client: github.Github) -> None:
    token = token_of(client)
    broken = ask(stage, "POST", f"/repos/{stage.repository}/issues", token, content=b"{")
    assert (broken.status_code, broken.json()["message"]) == (400, "Problems parsing JSON")
    assert ask(stage, "GET", f"/repos/{stage.repository}/issues/77", token).status_code == 404
    assert ask(stage, "GET", "/repos/nobody/nothing", token).status_code == 404
    assert client.get_rate_limit().rate.limit == 5000
