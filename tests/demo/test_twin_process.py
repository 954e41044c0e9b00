"""The twin as a process of its own, which outlives its clients and ends cleanly."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from demo.github import Controls, Person, Stage
from tests.demo.conftest import until


def test_it_starts_serves_and_stops(tmp_path: Path) -> None:
    file = tmp_path / "stage.json"
    command = [sys.executable, "-m", "demo.github", "--folder", str(tmp_path / "git"), "--stage", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("GitHub twin: http://127.0.0.1:")
        assert file.stat().st_mode & 0o777 == 0o600
        stage = Stage.load(file)
        for secret in (stage.private_key, stage.webhook_secret, stage.admin_token, *stage.tokens.values()):
            assert secret not in repr(stage)
        maria = Person(stage.url, "maria", stage.tokens["maria"], Controls(stage.url, stage.admin_token))
        maria.comment(stage.repository, stage.issue, "hello")
        assert "hello" in httpx.get(f"{stage.url}/{stage.repository}/issues/1", trust_env=False).text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    until(lambda: not listens(stage.url), "the port to be free")


def listens(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True
