"""`forgehand setup` against the twin: a browser's way through the manifest flow, and what is on disk afterwards."""

import html
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.setup import CredentialFiles, default_api
from demo.github import Twin
from forges.github.app_manifest import AppCredentials
from tests.cli.ground import Forgehand, start

PATIENCE_S = 30.0


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with Twin(tmp_path / "twin") as running:
        running.furnish()
        yield running


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def walk_through(running: subprocess.Popen[str]) -> tuple[str, str]:
    """Plays the browser: our page, the form at GitHub, and the way back; returns the page's address and the end."""
    assert running.stdout is not None
    address = ""
    for line in running.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/setup", line):
            address = found[0]
            break
    assert address, running.communicate()
    with httpx.Client(timeout=PATIENCE_S, follow_redirects=True) as browser:
        page = browser.get(address).text
        form = re.search(r'action="([^"]*)"', page), re.search(r'name="manifest" value="([^"]*)"', page)
        assert form[0] is not None
        assert form[1] is not None
        answer = browser.post(html.unescape(form[0][1]), data={"manifest": html.unescape(form[1][1])})
        confirm = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', answer.text))
        confirm = {name: html.unescape(value) for name, value in confirm.items()}
        again = re.search(r'<form class="card line" method="post" action="([^"]*)"', answer.text)
        assert again is not None, answer.text
        answer = browser.post(str(answer.url.join(html.unescape(again[1]))), data=confirm)
    return address, answer.text


def test_the_app_is_registered_and_its_settings_are_enough(
    forgehand: Forgehand, state: Path, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(
        "setup", "--name", "Our hand", "--public-url", "https://hand.example.org", "--no-browser",
        "--github-url", twin.url, "--github-api-url", twin.url,
        environment={"FORGEHAND_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    _, last_page = walk_through(running)
    printed, words = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, words
    assert "Registered" in last_page
    files = CredentialFiles(state)
    key, secret = files.private_key.read_text(), files.webhook_secret.read_text().strip()
    assert "PRIVATE KEY" in key
    assert mode(files.folder) == 0o700
    assert {mode(path) for path in (files.private_key, files.webhook_secret, files.environment)} == {0o600}
    for shown in (printed, words, last_page):
        assert secret not in shown
        assert "PRIVATE KEY" not in shown
    for step in ("/installations/new", "FORGEHAND_MODEL", "forgehand doctor", "forgehand serve"):
        assert step in printed

    # A shell takes the file in, and the App answers to what it says.
    taken = subprocess.run(
        ["sh", "-c", f"set -a; . {files.environment}; env"], capture_output=True, text=True, check=True, env={}
    ).stdout
    for line in taken.splitlines():
        name, _, value = line.partition("=")
        if name.startswith("FORGEHAND_"):
            monkeypatch.setenv(name, value)
    checks = {check["name"]: check for check in forgehand("doctor", "--json").document["checks"]}
    assert checks["github app"]["state"] == "ok"
    assert not {"github permissions", "github events", "github webhook secret"} & set(checks)
    assert checks["github webhook"] == {
        "name": "github webhook", "state": "ok", "message": "https://hand.example.org/webhooks/github", "todo": "",
    }  # fmt: skip
    assert checks["github installations"]["state"] == "error"

    refused = forgehand("setup", "--no-browser")
    assert refused.status == 2
    assert "--force" in refused.err
    assert files.private_key.read_text() == key


def test_nothing_is_left_when_it_is_given_up(state: Path, twin: Twin) -> None:
    running = start(
        "setup", "--no-browser", "--github-url", twin.url, "--github-api-url", twin.url,
        environment={"FORGEHAND_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    assert "/setup" in running.stdout.readline()
    running.send_signal(2)
    _, words = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert "No App was registered" in words
    assert CredentialFiles(state).present() is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--public-url", "http://hand.example.org"], "https://"),
        (["--name", "n" * 35], "34 characters"),
        (["--name", ""], "34 characters"),
    ],
)
def test_what_github_would_not_take(arguments: list[str], words: str, forgehand: Forgehand, state: Path) -> None:
    ran = forgehand("setup", "--no-browser", *arguments)
    assert ran.status == 2
    assert words in ran.err
    assert not state.exists()


def test_a_port_that_is_taken(forgehand: Forgehand, twin: Twin) -> None:
    port = twin.url.rpartition(":")[2]
    ran = forgehand("setup", "--no-browser", "--port", port)
    assert ran.status == 2
    assert "--port" in ran.err


@pytest.mark.parametrize(
    ("web", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://ghe.example.org", "https://ghe.example.org/api/v3"),
    ],
)
def test_the_api_that_goes_with_a_web_address(web: str, api: str) -> None:
    assert default_api(web) == api


CREDENTIALS = AppCredentials(
    app_id=7, slug="our-hand", html_url="https://github.com/apps/our-hand", private_key="KEY\n", webhook_secret="s" * 40
)


def test_files_are_private_from_the_first_byte(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files = CredentialFiles(tmp_path / "with space")
        files.write(CREDENTIALS, public_url="https://h", api_url="https://api.github.com")
    finally:
        os.umask(before)
    assert mode(files.folder) == 0o700
    assert mode(files.webhook_secret) == 0o600
    said = files.environment.read_text()
    assert f"FORGEHAND_GITHUB_PRIVATE_KEY_FILE='{files.private_key}'\n" in said
    assert "FORGEHAND_GITHUB_API_URL" not in said
    assert "s" * 40 not in said
    assert "KEY\n" not in said.replace("PRIVATE_KEY", "")
    assert [path.name for path in files.folder.iterdir() if path.name.startswith(".")] == []


def test_a_write_that_fails_leaves_the_old_files(tmp_path: Path) -> None:
    files = CredentialFiles(tmp_path)
    files.write(CREDENTIALS, public_url="https://h", api_url="https://api.github.com")
    files.webhook_secret.unlink()
    files.webhook_secret.mkdir()
    with pytest.raises(OSError, match="webhook-secret"):
        files.write(CREDENTIALS, public_url="https://other", api_url="https://api.github.com")
    assert "https://other" not in files.environment.read_text()
    assert [path.name for path in files.folder.iterdir() if path.name.startswith(".")] == []
