"""Recorded deliveries of GitHub's, from npm: one for every event and action there is."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

_PACKAGE = "@octokit/webhooks-examples"
_VERSION = "7.6.1"


@pytest.fixture(scope="session")
def webhook_examples() -> list[tuple[str, dict[str, Any]]]:
    """The 329 recorded deliveries of @octokit/webhooks-examples as (event, payload), fetched once per machine."""
    cache = Path.home() / ".cache" / "forgehand" / "npm" / f"webhooks-examples-{_VERSION}.json"
    if not cache.exists():
        _fetch(cache)
    events = json.loads(cache.read_text("utf-8"))
    return [(event["name"], example) for event in events for example in event["examples"]]


def _fetch(cache: Path) -> None:
    npm = shutil.which("npm")
    problem = "npm is not installed" if npm is None else None
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
        if npm is not None:
            try:
                subprocess.run(
                    [npm, "pack", f"{_PACKAGE}@{_VERSION}", "--silent"],
                    cwd=folder,
                    check=True,
                    capture_output=True,
                    timeout=120,
                )
                with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                    member = archive.extractfile("package/api.github.com/index.json")
                    assert member is not None
                    part = Path(folder) / "part"
                    part.write_bytes(member.read())
                # Renamed into place: several test processes may fetch at once.
                part.replace(cache)
            except (subprocess.SubprocessError, OSError) as error:
                problem = f"npm pack {_PACKAGE}@{_VERSION} failed: {error}"
    if problem:
        if os.environ.get("FORGEHAND_REQUIRE_ENGINES"):
            pytest.fail(f"recorded deliveries are required but {problem}")
        pytest.skip(f"RECORDED DELIVERIES NOT TESTED: {problem}")
