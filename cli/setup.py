"""`forgehand setup`: registers the GitHub App in the browser and writes its credentials to files only we can read."""

import os
import shlex
import socket
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from app import server_config
from app.setup_flow import create_setup_app
from cli.errors import CannotRun
from cli.output import console, printable
from forges.github.app_manifest import AppCredentials
from settings import load_settings

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
WAIT_S = 3600.0  # GitHub's code is good for an hour


def command(
    name: Annotated[str, typer.Option(help="The App's name at GitHub: at most 34 characters, used by nobody else.")] = (
        "Forgehand"
    ),
    public_url: Annotated[
        str | None, typer.Option(help="Where GitHub reaches `forgehand serve`; default: FORGEHAND_PUBLIC_URL.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="Make the App for this organization, not for you.")] = None,
    github_url: Annotated[str, typer.Option(help="GitHub's web address.")] = GITHUB,
    github_api_url: Annotated[
        str | None, typer.Option(help="GitHub's API address; default: the one that goes with --github-url.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Local port of the set-up page; 0: any free one.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the credentials of an earlier set-up.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser as well as printing its address.")] = True,
) -> None:
    """Make the GitHub App (GitHub's manifest flow, in the browser) and write its settings to files.

    Example: forgehand setup --name "Our Forgehand" --public-url https://forgehand.example.org"""
    settings = load_settings()
    public = (public_url or settings.public_url or settings.effective_public_url).rstrip("/")
    api = (github_api_url or default_api(github_url)).rstrip("/")
    place = CredentialFiles(settings.state_dir)
    if not force and (there := place.present()):
        raise CannotRun(
            f"{there} is there already, from an earlier set-up. Use it, or replace it with --force "
            "(the App it belongs to stays registered at GitHub)"
        )
    screen = console()
    done = threading.Event()
    got: list[AppCredentials] = []

    def keep(credentials: AppCredentials) -> None:
        place.write(credentials, public_url=public, api_url=api)
        got.append(credentials)
        done.set()

    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise CannotRun(f"Port {port} cannot be listened on: {error.strerror}. Choose another with --port") from None
    with listening:
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            page = create_setup_app(
                name=name,
                public_url=public,
                listen_url=here,
                github_web_url=github_url.rstrip("/"),
                github_api_url=api,
                on_credentials=keep,
                organization=organization,
            )
        except ValueError as error:
            raise CannotRun(f"GitHub would not take this App: {error}. Change --name or --public-url") from None
        server = uvicorn.Server(server_config(page, host="127.0.0.1", port=0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="set-up page", daemon=True)
        try:
            thread.start()
            screen.print(f"Open {here}/setup in a browser on this machine and confirm. Waiting; Ctrl-C gives up.")
            if browser:
                webbrowser.open(f"{here}/setup")
            arrived = _waited(done, thread)
        except KeyboardInterrupt:
            arrived = False
        # The page that tells the person is still on its way: the server ends when it has been sent.
        server.should_exit = True
        thread.join(10)
    if not arrived:
        raise CannotRun("No App was registered. Run `forgehand setup` again")
    _say_what_is_left(screen, got[0], place, public, settings.model)


def _waited(done: threading.Event, serving: threading.Thread) -> bool:
    """Whether the credentials came: within the hour GitHub's code is good for, and while the page is served."""
    deadline = time.monotonic() + WAIT_S
    while serving.is_alive() and time.monotonic() < deadline:
        if done.wait(0.5):
            return True
    return done.is_set()


def default_api(web_url: str) -> str:
    """The API that goes with a web address: github.com has its own host, GitHub Enterprise Server a path."""
    web = web_url.rstrip("/")
    return GITHUB_API if web == GITHUB else f"{web}/api/v3"


class CredentialFiles:
    """Where the App's credentials are kept: `<state>/github-app/` (0700), `<state>/forgehand.env`; the files 0600."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "github-app"
        self.private_key = self.folder / "private-key.pem"
        self.webhook_secret = self.folder / "webhook-secret"
        self.environment = state / "forgehand.env"

    def present(self) -> Path | None:
        """One of the files, if any is there."""
        return next((path for path in (self.private_key, self.webhook_secret, self.environment) if path.exists()), None)

    def write(self, credentials: AppCredentials, *, public_url: str, api_url: str) -> None:
        """Writes all three, the file that names the others last. OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        _write_private(self.private_key, credentials.private_key)
        _write_private(self.webhook_secret, credentials.webhook_secret + "\n")
        values = {
            "FORGEHAND_GITHUB_APP_ID": str(credentials.app_id),
            "FORGEHAND_GITHUB_APP_SLUG": credentials.slug,
            "FORGEHAND_GITHUB_PRIVATE_KEY_FILE": str(self.private_key.absolute()),
            "FORGEHAND_GITHUB_WEBHOOK_SECRETS_FILE": str(self.webhook_secret.absolute()),
            "FORGEHAND_PUBLIC_URL": public_url,
        }
        if api_url != GITHUB_API:
            values["FORGEHAND_GITHUB_API_URL"] = api_url
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
        _write_private(self.environment, "".join(lines))


def _write_private(path: Path, text: str) -> None:
    """Replaces a file in one step by one that only its owner may read; nobody ever sees half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _say_what_is_left(
    screen: Console, credentials: AppCredentials, place: CredentialFiles, public_url: str, model: str
) -> None:
    screen.print(f"The App {printable(credentials.slug)} (id {credentials.app_id}) is registered.")
    screen.print(f"Written: {place.private_key}, {place.webhook_secret}, {place.environment}")
    screen.print("What is left to do:")
    left = [f"Install the App on repositories: {printable(credentials.html_url)}/installations/new"]
    if not public_url.startswith("https://"):
        left.append(
            f"{public_url} is reached from this machine only: until the App's webhook URL is an https address that "
            "GitHub reaches, tasks start late, when failed deliveries are asked for"
        )
    if not model:
        left.append("Set the model and its key: FORGEHAND_MODEL, FORGEHAND_MODEL_API_KEY_FILE")
    left.append(
        "Name the account whose assignment starts work (FORGEHAND_TRIGGER_ASSIGNEES), or use the label or mentions"
    )
    left.append(f"Check: set -a; . {shlex.quote(str(place.environment))}; set +a; forgehand doctor")
    left.append("Start, in the same shell: forgehand serve")
    for number, line in enumerate(left, 1):
        screen.print(f"  {number}. {line}")
