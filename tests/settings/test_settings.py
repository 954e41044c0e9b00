"""Settings: what a start needs, what each refusal says, and where secrets come from."""

import os
from pathlib import Path

import pytest

from settings import Settings, SettingsError, load_settings

PEM = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
SECRET = "a-webhook-secret-of-24-chars"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FORGEHAND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"FORGEHAND_{name.upper()}", value)


COMPLETE = {"github_app_id": "7", "github_private_key": PEM, "github_webhook_secrets": SECRET, "model": "openai/gpt-5"}


@pytest.mark.parametrize(
    ("service", "missing"),
    [
        ("web", ["GITHUB_WEBHOOK_SECRETS", "GITHUB_APP_ID"]),
        ("worker", ["GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "MODEL"]),
        ("serve", ["GITHUB_WEBHOOK_SECRETS", "GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "MODEL"]),
    ],
)
def test_a_service_names_everything_it_lacks_and_what_to_put_there(service: str, missing: list[str]) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(service=service)
    lines = refusal.value.problems
    assert [line.split(" is not set: put ")[0] for line in lines] == [f"FORGEHAND_{name}" for name in missing]
    assert all(len(line.split(" is not set: put ")[1]) > 10 for line in lines)


def test_with_everything_there_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **COMPLETE)
    assert load_settings(service="serve").github_app_id == 7


@pytest.mark.parametrize("empty", ["", " ", ",", "\n"])
def test_an_empty_webhook_secret_is_none(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    given(monkeypatch, **COMPLETE | {"github_webhook_secrets": empty})
    with pytest.raises(SettingsError, match="FORGEHAND_GITHUB_WEBHOOK_SECRETS is not set"):
        load_settings(service="web")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("github_webhook_secrets", "short", "each secret needs at least 16 characters"),
        ("github_webhook_secrets", f"{SECRET},short", "each secret needs at least 16 characters"),
        ("github_private_key", "hello", "is not a PEM private key"),
        ("github_api_url", "api.github.com", "must start with http:// or https://"),
        ("port", "70000", "less than or equal to 65535"),
        ("task_budget_usd", "-1", "greater than or equal to 0"),
        ("worker_concurrency", "many", "valid integer"),
        ("sandbox", "chroot", "'local', 'docker' or 'kubernetes'"),
        ("lease_s", "5", "FORGEHAND_LEASE_S must be at least 2 times FORGEHAND_GITHUB_TIMEOUT_S"),
        ("models", "not json", "models"),
    ],
)
def test_a_wrong_value_is_named_and_never_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    given(monkeypatch, **{name: value})
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    text = str(refusal.value)
    assert says in text
    if name.startswith("github_webhook") or name == "github_private_key":
        assert value not in text


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, github_webhok_secret=SECRET)
    with pytest.raises(SettingsError, match="FORGEHAND_GITHUB_WEBHOK_SECRET is not a setting"):
        load_settings()


def test_several_secrets_while_rotating(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, github_webhook_secrets=f"{SECRET}, {SECRET}-2\n{SECRET}-3")
    assert [one.get_secret_value() for one in load_settings().github_webhook_secrets] == [
        SECRET,
        f"{SECRET}-2",
        f"{SECRET}-3",
    ]


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(PEM + "\n", encoding="utf-8")
    given(monkeypatch, github_private_key_file=str(key))
    assert load_settings().github_private_key.get_secret_value() == PEM


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, github_private_key_file=str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"FORGEHAND_GITHUB_PRIVATE_KEY_FILE names .*/none, which cannot be read"):
        load_settings()


def test_variable_and_file_together_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(PEM, encoding="utf-8")
    given(monkeypatch, github_private_key=PEM, github_private_key_file=str(key))
    with pytest.raises(SettingsError, match="are both set: keep one of them"):
        load_settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch, **COMPLETE, database_url="postgresql+psycopg://u:hidden-word@h/d", sentry_dsn="https://hidden@s/1"
    )
    shown = repr(load_settings())
    assert SECRET not in shown
    assert "hidden" not in shown
    assert "abc" not in shown


def test_a_phase_may_have_a_model_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, model="a/b", models='{"plan": "c/d"}')
    assert load_settings().models == {"plan": "c/d"}


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"`FORGEHAND_{name.upper()}`" not in text]
    assert missing == []


def test_a_repository_may_have_machines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_SANDBOX_NETWORK", "pypi.org:443, *.pythonhosted.org:443")
    monkeypatch.setenv("FORGEHAND_SANDBOX_PRIVATE_NETWORKS", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv(
        "FORGEHAND_SANDBOX_REPOSITORIES",
        '{"Octo/Spoon": {"sandbox": "docker", "image": "team/build:3"}, "octo/closed": {"network": []}}',
    )
    settings = load_settings()
    everywhere = ("pypi.org:443", "*.pythonhosted.org:443")
    spoon, closed, other = (settings.machine_of(name) for name in ("octo/spoon", "octo/closed", "octo/other"))
    assert (spoon.sandbox, spoon.image, spoon.network) == ("docker", "team/build:3", everywhere)
    assert (closed.sandbox, closed.image, closed.network) == ("local", None, ())
    assert (other.sandbox, other.image, other.network) == ("local", None, everywhere)
    assert [str(network) for network in settings.sandbox_private_networks] == ["10.0.0.0/8", "fd00::/8"]


def test_gpus_are_named_as_their_driver_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().docker_gpus == ()
    monkeypatch.setenv("FORGEHAND_DOCKER_GPUS", "GPU-6ef8ad2b-1111, 1,MIG-GPU-6ef8/1/0")
    assert load_settings().docker_gpus == ("GPU-6ef8ad2b-1111", "1", "MIG-GPU-6ef8/1/0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCKER_GPUS", "GPU-1,GPU-1"),
        ("DOCKER_GPUS", "nvidia.com/gpu=0"),
        ("DOCKER_GPUS", "-1"),
        ("SANDBOX_NETWORK", "pypi.org"),
        ("SANDBOX_NETWORK", "https://pypi.org:443"),
        ("SANDBOX_NETWORK", "pypi.org:99999"),
        ("SANDBOX_PRIVATE_NETWORKS", "10.0.0.1/8"),
        ("SANDBOX_REPOSITORIES", '{"octo/spoon": {"sandbox": "chroot"}}'),
        ("SANDBOX_REPOSITORIES", '{"octo/spoon": {"netwrok": []}}'),
    ],
)
def test_a_wrong_machine_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"FORGEHAND_{name}", value)
    with pytest.raises(SettingsError, match=f"FORGEHAND_{name}"):
        load_settings()


def test_the_owner_of_boxes_is_the_database_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def owner(url: str) -> str:
        monkeypatch.setenv("FORGEHAND_DATABASE_URL", url)
        return load_settings().effective_owner

    mine = owner("postgresql://forgehand:one@db/forgehand")
    assert mine == owner("postgresql://forgehand:another@db/forgehand"), "a new password keeps its boxes"
    assert mine != owner("postgresql://forgehand:one@db/other")
    monkeypatch.setenv("FORGEHAND_SANDBOX_OWNER", "team-a")
    assert owner("sqlite:///x") == "team-a"


def test_a_cluster_is_described_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "FORGEHAND_KUBERNETES",
        '{"runtime_class": "kata", "node_selector": {"pool": "boxes"}, "tolerations": [{"key": "boxes"}]}',
    )
    found = load_settings().kubernetes
    assert (found.runtime_class, found.node_selector, found.tolerations[0].key) == ("kata", {"pool": "boxes"}, "boxes")
    assert found.namespace == "forgehand-sandboxes"
    monkeypatch.setenv("FORGEHAND_KUBERNETES", '{"runtimeClass": "kata"}')
    with pytest.raises(SettingsError, match="FORGEHAND_KUBERNETES"):
        load_settings()
