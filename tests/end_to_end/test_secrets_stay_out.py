"""No secret anywhere it does not belong: looked for everywhere after a whole way, and by the sandbox from inside.

The secrets are the run's own (webhook secret, private key, installation tokens, model key, the twin's admin token), so
nothing has to be planted; each kind of place is also searched for something that must be there, so that a search that
finds nothing has looked.
"""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.demo_house import House, furnished
from cli.demo_scenarios import SCENARIOS
from demo import samples
from demo.scripted_model import ScriptedModel
from observability import Redactor

Searched = tuple[Mapping[str, str], Mapping[str, bytes]]
pytestmark = pytest.mark.xdist_group("secrets")  # one run of the whole way is searched by all tests

SNOOP = (
    "env; echo ---; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; echo ---; "
    "find / -xdev \\( -name '*.pem' -o -name 'forgehand*' -o -name '*secret*' -o -name '*.db' \\) 2>/dev/null; "
    "cat /run/* /tmp/* /root/.* /home/*/* 2>/dev/null; ls -la / /work 2>&1; echo snooped"
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """The secrets by name, and everything that was written, said or shown, by place."""
    folder = tmp_path_factory.mktemp("secrets")
    script = ScriptedModel.load(_snooping_script(folder))
    prompts: list[bytes] = []
    answer = script.answer

    def overheard(request: Mapping[str, Any]) -> Any:
        prompts.append(json.dumps(request).encode())
        return answer(request)

    script.answer = overheard  # type: ignore[method-assign]  # listens in on what the model is sent
    with script.serve() as model:
        key_file = folder / "model-key"
        key_file.write_text(model.api_key, encoding="utf-8")
        settings = {
            "FORGEHAND_MODEL": "openai/{window}",
            "FORGEHAND_MODEL_API_BASE": model.base_url,
            "FORGEHAND_MODEL_API_KEY_FILE": str(key_file),
            "FORGEHAND_MODEL_PRICES": '{"openai/{window}": {"input_per_million": 3, "output_per_million": 15}}',
            "FORGEHAND_LOG_LEVEL": "debug",
        }
        state = folder / "state"
        with furnished(state, overrides=settings) as house, _arguments_watched() as arguments:
            ending = SCENARIOS["issue-to-pr"](house, lambda _: None)
            assert ending.held, ending.why
            said = json.dumps(_said_on_github(house, ending.task.pull_number if ending.task else 0)).encode()
            places = {"github": said, "broker": _files(state / "broker"), "prompts": b"\n".join(prompts)}
            with house.twin.world.lock:
                tokens = list(house.twin.world.installation_tokens)
            stage = house.stage
        places |= {
            "arguments": "\n".join(sorted(arguments)).encode("utf-8", "replace"),
            "database": b"".join(path.read_bytes() for path in state.glob("forgehand.db*")),
            "logs": b"".join(path.read_bytes() for path in state.glob("*.log")),
            "mirror": _objects(next((state / "mirrors").rglob("*.git"))),
            "mirror files": _files(state / "mirrors"),
            "pushed": _objects(next((state / "twin").rglob("*.git"))),
        }
    middle = stage.private_key.splitlines()[len(stage.private_key.splitlines()) // 2]
    assert len(tokens) >= 1
    secrets = {
        "webhook secret": stage.webhook_secret,
        "private key": middle,
        "model key": model.api_key,
        "admin token": stage.admin_token,
        **{f"installation token {number}": token for number, token in enumerate(tokens)},
        **{f"token of {login}": token for login, token in stage.tokens.items()},
    }
    return secrets, places


PRESENT = {
    "github": b"Proven",
    "prompts": b"snooped",
    "arguments": b"-m cli worker",
    "database": b"is counted as five hours",
    "logs": b"workers.conductor",
    "mirror": b"Forgehand-Task",
    "mirror files": b"[core]",
    "pushed": b"Forgehand-Task",
}


@pytest.mark.parametrize("place", PRESENT)
def test_the_search_sees_what_is_there(searched: Searched, place: str) -> None:
    assert PRESENT[place] in searched[1][place]


@pytest.mark.parametrize("place", [*PRESENT, "broker"])
def test_no_secret_is_there(searched: Searched, place: str) -> None:
    secrets, places = searched
    found = [name for name, secret in secrets.items() for form in _forms(secret) if form in places[place]]
    assert found == []


def test_the_sandbox_saw_its_own_environment_and_nothing_else(
    searched: Searched,
) -> None:
    """What the snooping commands printed is in the prompts: it ran, and saw no variable of ours."""
    prompts = searched[1]["prompts"]
    assert b"PATH=" in prompts
    assert b"FORGEHAND_" not in prompts


def test_the_redactor_would_have_known_them(searched: Searched) -> None:
    """The second line of defence: each secret is taken out of a text that holds it."""
    secrets = searched[0]
    redact = Redactor(secrets.values())
    for name, secret in secrets.items():
        assert secret not in redact.text(f"before {secret} after"), name


def _forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"=")[:-1], raw.hex().encode()]


def _snooping_script(folder: Path) -> Path:
    """The sample's script, with a look around the sandbox before the change is made."""
    script = yaml.safe_load((samples.FOLDER / "durations.script.yml").read_text(encoding="utf-8"))
    script["phases"]["implement"].insert(0, {"call": [{"tool": "run", "args": {"command": SNOOP}}]})
    path = folder / "script.yml"
    path.write_text(yaml.safe_dump(script), encoding="utf-8")
    return path


@contextmanager
def _arguments_watched() -> Iterator[set[str]]:
    """Every argument list of every process of the machine while the block runs."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue
            time.sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _said_on_github(house: House, number: int | None) -> list[Any]:
    """Everything the twin keeps of what was written to it."""
    repository = f"/repos/{house.stage.repository}"
    ask = house.maintainer.ask
    pull = ask("GET", f"{repository}/pulls/{number}")
    commits = ask("GET", f"{repository}/pulls/{number}/commits")
    runs = [ask("GET", f"{repository}/commits/{one['sha']}/check-runs?filter=all") for one in commits]
    return [
        ask("GET", f"{repository}/issues/1/comments"),
        ask("GET", f"{repository}/issues/{number}/comments"),
        ask("GET", f"{repository}/pulls/{number}/comments"),
        pull,
        commits,
        runs,
    ]


def _objects(repository: Path) -> bytes:
    """The content of every object of a bare repository, reachable or not."""
    return subprocess.run(
        ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"], capture_output=True, check=True
    ).stdout


def _files(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
