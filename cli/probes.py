"""What `forgehand doctor` looks at, one function each. A check tries the thing itself; it never raises."""

import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from jwt import PyJWTError
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from agent import ModelClient, Phase, PriceUnknown
from agent.model import ModelRejected, ModelUnavailable
from agent.provider import missing_keys
from cli.serve import github_app
from demo.scripted_script import ScriptError
from forges.github.probe import probe
from sandboxes import SandboxError
from settings import Settings
from store import Database
from store.migrating import current_revision, head_revision
from store.schema import Mark
from workers.backends import make_backend
from workers.boxes import spec_from
from workers.celery_app import make_celery
from workers.models import SCRIPTED, Models

State = Literal["ok", "warning", "error"]

OLDEST_GIT = (2, 39)  # what `repositories` is written for and tested with
DISK_NEEDED = 1 << 30  # mirrors, journals and the broker's folder of a few repositories
DISK_WANTED = 5 << 30
BROKER_PATIENCE_S = 3.0
COMMAND_PATIENCE_S = 20.0
LITTLE = "Answer with the one word: ready"


@dataclass(frozen=True, slots=True)
class Check:
    """How one thing is, and what to do about it (empty when all is well)."""

    name: str
    state: State
    message: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def git() -> Check:
    program = shutil.which("git")
    if program is None:
        return Check("git", "error", "there is no git on PATH", "install git 2.39 or newer")
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=30).stdout.strip()
    version = git_version(said)
    if version is None or version < OLDEST_GIT:
        wanted = ".".join(map(str, OLDEST_GIT))
        return Check("git", "error", f"{said or 'git does not say its version'}", f"install git {wanted} or newer")
    return Check("git", "ok", said)


def git_version(said: str) -> tuple[int, int] | None:
    """Major and minor of `git version 2.39.5 (Apple Git-154)`."""
    found = re.match(r"git version (\d+)\.(\d+)", said)
    return None if found is None else (int(found[1]), int(found[2]))


def disk(settings: Settings) -> Check:
    folder = nearest(settings.state_dir)
    free = shutil.disk_usage(folder).free
    said = f"{free / (1 << 30):.1f} GiB free for {settings.state_dir}"
    todo = "make room, or set FORGEHAND_STATE_DIR to a folder on a larger disk"
    if not os.access(folder, os.W_OK):
        return Check("disk", "error", f"{folder} cannot be written", "change its owner, or set FORGEHAND_STATE_DIR")
    if free < DISK_NEEDED:
        return Check("disk", "error", said, todo)
    return Check("disk", "warning", said, todo) if free < DISK_WANTED else Check("disk", "ok", said)


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


def database(settings: Settings) -> Check:
    """Reachable, writable, and with the tables of this version."""
    todo = "check FORGEHAND_DATABASE_URL and that the database runs and is reachable from here"
    try:
        opened = Database(settings.effective_database_url, busy_timeout_s=5.0)
        try:
            if opened.is_sqlite and not Path(opened.url.database or "").exists():
                return Check("database", "ok", f"{opened.url.database} is made at the first start")
            return _tables(opened)
        finally:
            opened.close()
    except (SQLAlchemyError, OSError, ValueError, RuntimeError, ImportError) as error:
        return Check("database", "error", _first_line(error), todo)


def _tables(opened: Database) -> Check:
    name = opened.url.render_as_string(hide_password=True)
    current, newest = current_revision(opened), head_revision()
    if current is None:
        return Check("database", "ok", f"{name} is empty; the next start makes the tables")
    if current != newest:
        todo = "the next start brings it up to date; if this program is the older one, install the newer"
        return Check("database", "warning", f"{name} is at revision {current}, this program at {newest}", todo)
    with opened.write() as session:
        session.execute(delete(Mark).where(Mark.name == "doctor"))  # matches nothing; needs everything a write needs
    return Check("database", "ok", f"{name}: reachable, writable, up to date ({current})")


def broker(settings: Settings) -> Check:
    if not settings.broker_url.get_secret_value():
        folder = settings.state_dir / "broker"
        if not os.access(nearest(folder), os.W_OK):
            todo = "set FORGEHAND_BROKER_URL or FORGEHAND_STATE_DIR"
            return Check("broker", "error", f"{folder} cannot be written", todo)
        return Check("broker", "ok", f"a folder on this machine: {folder}")
    todo = "check FORGEHAND_BROKER_URL and that the broker runs and is reachable from here"
    try:
        with make_celery(settings).connection_for_write(connect_timeout=BROKER_PATIENCE_S) as connection:
            name = connection.as_uri()  # without the password
            connection.ensure_connection(max_retries=1, timeout=BROKER_PATIENCE_S, interval_start=0.1)
    except ImportError as error:
        return Check("broker", "error", f"its client is not installed: {error}", "install forgehand[redis]")
    except (BrokerError, OSError, ValueError, KeyError) as error:
        return Check("broker", "error", _first_line(error), todo)
    return Check("broker", "ok", f"{name}: reachable")


def github(settings: Settings) -> Iterator[Check]:
    """What GitHub says of the App, its permissions, events, webhook and installations, and of the trigger logins."""
    if not settings.github_app_id or not settings.github_private_key.get_secret_value():
        yield Check("github", "error", "there is no App to ask about", "run `forgehand setup`, or set its id and key")
        return
    hook = f"{settings.public_url}/webhooks/github" if settings.public_url else None
    try:
        findings = probe(github_app(settings), hook_url=hook, assignees=settings.trigger_assignees)
    except (PyJWTError, ValueError, TypeError):
        todo = "take the .pem file of the App's settings page, whole: FORGEHAND_GITHUB_PRIVATE_KEY_FILE"
        yield Check("github", "error", "FORGEHAND_GITHUB_PRIVATE_KEY is no key that can sign", todo)
        return
    for finding in findings:
        yield Check(f"github {finding.subject}", finding.severity, finding.message, finding.remedy)
    if hook is None:
        todo = "set it to the address GitHub reaches this service at"
        yield Check("github webhook", "warning", "FORGEHAND_PUBLIC_URL is not set: the App's cannot be compared", todo)
    if not settings.trigger_assignees:
        todo = "set FORGEHAND_TRIGGER_ASSIGNEES to an account's login if you want that"
        message = "assigning an issue starts nothing: only the label, mentions and commands do"
        yield Check("trigger login", "warning", message, todo)


def sandbox(settings: Settings) -> Check:
    """Makes a real box with the limits of the settings and runs a command in it."""
    began = time.monotonic()
    try:
        backend = make_backend(settings)
        with backend.create(spec_from(settings), name=f"doctor-{secrets.token_hex(6)}") as box:
            result = box.run(["sh", "-c", "echo ready"], timeout=COMMAND_PATIENCE_S)
            isolation = box.isolation
    except SandboxError as error:
        return Check("sandbox", "error", ": ".join(part for part in (error.what, error.why) if part), error.todo)
    if result.exit_code != 0 or result.stdout != b"ready\n":
        said = (result.stderr or result.stdout).decode("utf-8", "replace").strip()[:200]
        return Check("sandbox", "error", f"a command in the box failed: {said}", "see the sandbox's requirements")
    took = f"made a box and ran a command in it in {(time.monotonic() - began) * 1000:.0f} ms"
    if isolation == "none":
        todo = "install bubblewrap and unset FORGEHAND_SANDBOX_ALLOW_UNISOLATED"
        return Check("sandbox", "warning", f"{took}, unisolated: whatever runs there can do what you can", todo)
    return Check("sandbox", "ok", f"{took} ({isolation})")


class _Spent:
    """The ledger of one call nobody limits."""

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        return None

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        return None


def model(settings: Settings, *, call: bool) -> Iterator[Check]:
    """Configured, with a known price and a key; with `call` also asked something."""
    if not settings.model:
        todo = "set FORGEHAND_MODEL, such as anthropic/claude-sonnet-4-5, openai/gpt-5 or scripted:FILE"
        yield Check("model", "error", "no model is set", todo)
        return
    models = Models(settings)
    try:
        client = models.client()
        yield from _prices(settings, client)
        yield from _keys(settings)
        if call:
            yield _called(client)
    except ScriptError as error:
        yield Check("model", "error", str(error), "correct the script")
    except OSError as error:
        yield Check("model", "error", f"{settings.model}: {error.strerror or error}", "check the file's name")
    finally:
        models.close()


def _prices(settings: Settings, client: ModelClient) -> Iterator[Check]:
    roles = [phase.value for phase in Phase]
    for name in dict.fromkeys(spec.name for role in roles for spec in client.specs(role)):
        role = next(role for role in roles if any(spec.name == name for spec in client.specs(role)))
        try:
            client.check_prices(role, role)
        except PriceUnknown as error:
            state: State = "error" if settings.task_budget_usd > 0 else "warning"
            price = json.dumps({error.model: {"input_per_million": 0, "output_per_million": 0}})
            todo = f"set it in US dollars for a million tokens: FORGEHAND_MODEL_PRICES='{price}'"
            yield Check("model price", state, f"the price of {error.model} is not known", todo)
            return
    yield Check("model price", "ok", "the price of every model is known")


def _keys(settings: Settings) -> Iterator[Check]:
    names = dict.fromkeys([settings.model, *settings.model_fallbacks, *settings.models.values()])
    for name in names:
        if name.startswith(SCRIPTED):
            yield Check("model", "warning", f"{name} plays a file: it solves nothing", "set FORGEHAND_MODEL to a model")
        elif settings.model_api_key.get_secret_value():
            yield Check("model", "ok", f"{name}, with the key of FORGEHAND_MODEL_API_KEY")
        elif missing := missing_keys(name):
            todo = f"set FORGEHAND_MODEL_API_KEY_FILE, or {' and '.join(missing)}"
            # A server of one's own often wants no key.
            state: State = "warning" if settings.model_api_base else "error"
            yield Check("model", state, f"{name} has no key", todo)
        else:
            yield Check("model", "ok", name)


def _called(client: ModelClient) -> Check:
    messages: list[dict[str, Any]] = [{"role": "user", "content": LITTLE}]
    began = time.monotonic()
    try:
        reply = client.complete(
            messages, [], role="doctor", window="doctor", key="doctor", ledger=_Spent(), cancelled=lambda: False
        )
    except (ModelUnavailable, ModelRejected, PriceUnknown) as error:
        return Check("model call", "error", _first_line(error), "check the model's name, its key and the network")
    cost = "price unknown" if reply.cost_usd is None else f"${reply.cost_usd:.6f}"
    took = time.monotonic() - began
    return Check("model call", "ok", f"{reply.model} answered in {took:.1f} s, {reply.tokens} tokens, {cost}")


def _first_line(error: BaseException) -> str:
    """What happened, without the links and statements libraries append."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:400]
