"""`forgehand doctor` in good and bad surroundings: real boxes, databases and brokers, the twin, a scripted model."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.probes import git_version, nearest
from demo.github import Twin
from settings import load_settings
from store import Database
from store.migrating import migrate
from tests.cli.ground import SCRIPT, Forgehand, write_script
from tests.engines import absent
from workers.kernel_place import kernel_python

Checks = dict[str, dict[str, str]]
Look = Callable[..., Checks]


@pytest.fixture
def doctor(forgehand: Forgehand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """The checks by name, worst first where there are several of one name; the exit status goes with them. There is no
    kernel lane unless a test wants it: importing PyTorch takes longer than all else."""
    monkeypatch.setenv("FORGEHAND_KERNEL_HOME", str(tmp_path / "no-kernels"))

    def look(*arguments: str) -> Checks:
        ran = forgehand("doctor", "--json", *arguments)
        said = ran.document
        assert ran.status == (0 if said["ok"] else 1)
        assert said["ok"] == all(check["state"] != "error" for check in said["checks"])
        for check in said["checks"]:
            assert set(check) == {"name", "state", "message", "todo"}
            assert check["state"] in ("ok", "warning", "error")
            assert check["todo"] or check["state"] == "ok", check
        order = ("ok", "warning", "error")
        return {check["name"]: check for check in sorted(said["checks"], key=lambda one: order.index(one["state"]))}

    return look


def test_a_bare_machine_is_told_everything_at_once(doctor: Look, forgehand: Forgehand) -> None:
    checks = doctor()
    assert {name for name, check in checks.items() if check["state"] == "error"} == {"settings", "github", "model"}
    problems = [
        check["message"] for check in forgehand("doctor", "--json").document["checks"] if check["name"] == "settings"
    ]
    for variable in ("WEBHOOK_SECRETS", "APP_ID", "PRIVATE_KEY", "MODEL"):
        assert any(variable in problem for problem in problems)
    for fine in ("git", "database", "broker", "sandbox"):
        assert checks[fine]["state"] == "ok", checks[fine]
    assert "bubblewrap" in checks["sandbox"]["message"]


def test_people_get_a_line_for_each(forgehand: Forgehand) -> None:
    ran = forgehand("doctor")
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert all(line.split()[0] in ("ok", "warning", "error") for line in lines)
    assert sum("FORGEHAND_MODEL is not set -> " in line for line in lines) == 1


def test_a_wrong_setting_does_not_stop_the_rest(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_WORKER_CONCURRENCY", "none")
    monkeypatch.setenv("FORGEHAND_NOT_A_SETTING", "1")
    checks = doctor()
    assert checks["settings"]["state"] == "error"
    assert checks["git"]["state"] == "ok"


# The machine


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("git version 2.39.5", (2, 39)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39)),
        ("git version 2.47.1.windows.2", (2, 47)),
        ("git version 1.8.3.1", (1, 8)),
        ("", None),
        ("not git", None),
    ],
)
def test_versions_of_git(said: str, version: tuple[int, int] | None) -> None:
    assert git_version(said) == version


@pytest.mark.parametrize("said", ["git version 2.20.1", "nonsense", None])
def test_an_old_git_or_none(said: str | None, doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if said is not None:
        (programs / "git").write_text(f"#!/bin/sh\necho '{said}'\n")
        (programs / "git").chmod(0o755)
    for name in ("bwrap", "sh", "mount", "true"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    check = doctor()["git"]
    assert check["state"] == "error"
    assert "2.39" in check["todo"]


def test_a_full_disk(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    for free, state in ((0, "error"), (2 << 30, "warning"), (50 << 30, "ok")):
        now = usage._replace(free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda _, now=now: now)
        assert doctor()["disk"]["state"] == state


def test_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert nearest(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "file").write_text("")
    assert nearest(tmp_path / "file" / "c") == tmp_path


def test_no_bubblewrap(doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("git", "sh"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    check = doctor()["sandbox"]
    assert check["state"] == "error"
    assert "bubblewrap" in check["message"] + check["todo"]
    monkeypatch.setenv("FORGEHAND_SANDBOX_ALLOW_UNISOLATED", "true")
    check = doctor()["sandbox"]
    assert check["state"] == "warning"
    assert "unisolated" in check["message"]


def test_a_sandbox_that_does_not_exist_yet(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_SANDBOX", "docker")
    check = doctor()["sandbox"]
    assert (check["state"], "docker" in check["message"]) == ("error", True)


# Database and broker


def test_the_kernel_lane_says_what_it_has(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGEHAND_KERNEL_HOME")
    if kernel_python(load_settings().kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    found = doctor()["kernels"]
    assert found["state"] == "ok", found
    for part in ("PyTorch 2.", "Triton 3.", "g++", "no GPU"):
        assert part in found["message"]


def test_without_a_kernel_lane_all_else_is_well(doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_KERNEL_HOME", str(tmp_path))
    checks = doctor()
    assert checks["kernels"]["state"] == "warning"
    assert "make kernel-python" in checks["kernels"]["todo"]
    version = ".".join(map(str, sys.version_info[:3]))
    broken = tmp_path / f"kernel-python-{version}-broken"
    (broken / "bin").mkdir(parents=True)
    (broken / "bin" / "python").symlink_to("/usr/bin/python3")
    (broken / ".complete").touch()
    assert "No module named 'torch'" in doctor()["kernels"]["message"]


def test_an_empty_and_a_current_database(doctor: Look, forgehand: Forgehand, state: Path) -> None:
    database = Database(f"sqlite:///{state / 'forgehand.db'}")
    database.engine.connect().close()
    assert "empty" in doctor()["database"]["message"]
    migrate(database)
    database.close()
    assert "up to date" in doctor()["database"]["message"]
    with sqlite3.connect(state / "forgehand.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    check = doctor()["database"]
    assert check["state"] == "warning"
    assert "9999" in check["message"]


def test_a_file_that_is_no_database(doctor: Look, state: Path) -> None:
    state.mkdir()
    (state / "forgehand.db").write_bytes(b"this is no database, whatever it is called" * 100)
    check = doctor()["database"]
    assert check["state"] == "error"
    assert "not a database" in check["message"]


def test_servers_that_do_not_answer_and_the_password_stays_hidden(
    doctor: Look, forgehand: Forgehand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGEHAND_DATABASE_URL", "postgresql+psycopg://u:p4ssw0rd@127.0.0.1:9/x?connect_timeout=2")
    monkeypatch.setenv("FORGEHAND_BROKER_URL", "redis://:r3disw0rd@127.0.0.1:9/0")
    checks = doctor()
    assert (checks["database"]["state"], checks["broker"]["state"]) == ("error", "error")
    assert "p4ssw0rd" not in json.dumps(checks)
    assert "r3disw0rd" not in json.dumps(checks)


def test_servers_that_answer(doctor: Look, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_DATABASE_URL", postgres_url)
    monkeypatch.setenv("FORGEHAND_BROKER_URL", redis_url)
    checks = doctor()
    assert (checks["database"]["state"], checks["broker"]["state"]) == ("ok", "ok"), checks


# GitHub


def test_github_is_asked(doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Twin(tmp_path / "twin") as twin:
        stage = twin.furnish(hook_url="http://127.0.0.1:9/webhooks/github")
        key = tmp_path / "key.pem"
        key.write_text(stage.private_key)
        for name, value in {
            "GITHUB_API_URL": twin.url,
            "GITHUB_APP_ID": str(stage.app_id),
            "GITHUB_PRIVATE_KEY_FILE": str(key),
            "PUBLIC_URL": "https://hand.example.org",
            "TRIGGER_ASSIGNEES": f"{stage.trigger_login},nobody-here",
        }.items():
            monkeypatch.setenv(f"FORGEHAND_{name}", value)
        checks = doctor()
        assert checks["github app"]["state"] == "ok", checks
        assert "127.0.0.1:9" in checks["github webhook"]["message"]
        assert checks["github webhook"]["state"] == "error"
        assert checks[f"github assignee {stage.trigger_login}"]["state"] == "ok"
        assert checks["github assignee nobody-here"]["state"] == "warning"
        monkeypatch.delenv("FORGEHAND_TRIGGER_ASSIGNEES")
        assert doctor()["trigger login"]["state"] == "warning"
        monkeypatch.setenv("FORGEHAND_GITHUB_APP_ID", "4711")
        assert doctor()["github credentials"]["state"] == "error"
    assert doctor()["github github"]["state"] == "error"


def test_a_key_that_is_none(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_GITHUB_APP_ID", "1")
    pem = "-----BEGIN RSA PRIVATE KEY-----\nQUJDREVGR0g=\n-----END RSA PRIVATE KEY-----"
    monkeypatch.setenv("FORGEHAND_GITHUB_PRIVATE_KEY", pem)
    checks = doctor()
    (check,) = [one for name, one in checks.items() if name.startswith("github")]
    assert check["state"] == "error"
    assert "QUJDREVGR0g" not in json.dumps(checks)


# The model


def test_a_scripted_model_is_called(doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = write_script(tmp_path / "s.yml", doctor=[{"expect": "ready", "say": "ready"}])
    monkeypatch.setenv("FORGEHAND_MODEL", script)
    checks = doctor("--model-call")
    assert checks["model call"]["state"] == "ok", checks
    assert "answered" in checks["model call"]["message"]
    assert checks["model price"]["state"] == "ok"
    assert checks["model"]["state"] == "warning"  # a script solves nothing
    assert "model call" not in doctor()


def test_a_call_that_fails(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_MODEL", f"scripted:{SCRIPT}")  # it has no window for this
    check = doctor("--model-call")["model call"]
    assert (check["state"], "script mismatch" in check["message"]) == ("error", True)


def test_a_script_that_cannot_be_played(doctor: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yml").write_text("turns: 7")
    for path in (tmp_path / "bad.yml", tmp_path / "none.yml"):
        monkeypatch.setenv("FORGEHAND_MODEL", f"scripted:{path}")
        check = doctor()["model"]
        assert (check["state"], str(path) in check["message"]) == ("error", True)


def test_price_and_key_of_a_real_model(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_MODEL", "anthropic/claude-sonnet-4-5")
    checks = doctor()
    assert checks["model price"]["state"] == "ok"
    assert checks["model"]["state"] == "error"
    assert "ANTHROPIC_API_KEY" in checks["model"]["todo"]
    monkeypatch.setenv("FORGEHAND_MODEL_API_KEY", "sk-canary-0123456789")
    checks = doctor()
    assert checks["model"]["state"] == "ok"
    assert "canary" not in json.dumps(checks)


def test_a_model_nobody_knows_needs_a_price(doctor: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_MODEL", "openai/our-own")
    monkeypatch.setenv("FORGEHAND_MODEL_API_BASE", "http://127.0.0.1:9/v1")
    checks = doctor()
    assert checks["model price"]["state"] == "error"
    assert checks["model"]["state"] == "warning"
    price = checks["model price"]["todo"].partition("FORGEHAND_MODEL_PRICES=")[2].strip("'")
    monkeypatch.setenv("FORGEHAND_MODEL_PRICES", price)  # what it says to set is taken
    assert doctor()["model price"]["state"] == "ok"
