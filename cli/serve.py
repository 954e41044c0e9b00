"""`forgehand serve`, `web` and `worker`: the service, in one process tree or apart."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Annotated

import typer

from forges.github import GitHubApp, Patience, Redactor
from observability import configure_logging, init_sentry, init_sentry_in_worker, keep_under_celery
from settings import Settings, load_settings

RESTART_AFTER_S = 1.0
STOP_WITHIN_S = 30.0


def github_app(settings: Settings) -> GitHubApp:
    """The App of these settings; its waits fit inside a third of the lease."""
    return GitHubApp(
        settings.github_api_url,
        settings.github_app_id or 0,
        settings.github_private_key.get_secret_value(),
        write_spacing_s=settings.github_write_spacing_s,
        patience=Patience(timeout_s=max(1, int(settings.github_timeout_s)), wait_s=settings.lease_s / 3),
        redactor=Redactor(secrets_of(settings)),
    )


def secrets_of(settings: Settings) -> list[str]:
    """Every secret value there is, for the redactor."""
    found = [settings.github_private_key, settings.model_api_key, settings.sentry_dsn, *settings.github_webhook_secrets]
    found += [settings.database_url, settings.broker_url]
    return [secret.get_secret_value() for secret in found if secret.get_secret_value()]


def web() -> None:
    """Run the web alone: webhooks, health, metrics.

    Example: forgehand web"""
    from app import serve as serve_web  # here: the worker has no use for it

    settings = load_settings(service="web")
    secrets = secrets_of(settings)
    configure_logging(settings.log_level, secrets=secrets)
    init_sentry(settings.sentry_dsn.get_secret_value(), role="web", secrets=secrets)
    serve_web(settings)


def worker(
    queues: Annotated[
        str,
        typer.Option(
            help="Queues to take work from, separated by commas: agent, kernels. By default FORGEHAND_QUEUES."
        ),
    ] = "",
) -> None:
    """Run one worker alone.

    Example: forgehand worker --queues kernels"""
    from workers.service import run_worker  # here: the web process has no use for it

    settings = load_settings(service="worker")
    secrets = secrets_of(settings)
    configure_logging(settings.log_level, secrets=secrets)
    keep_under_celery()
    init_sentry_in_worker(settings.sentry_dsn.get_secret_value(), secrets=secrets)
    raise typer.Exit(run_worker(settings, app=github_app(settings), queues=queues or ",".join(settings.queues)))


def serve() -> None:
    """Run web and worker in one process tree on one machine, on SQLite and a folder as broker.

    Example: forgehand serve (with FORGEHAND_GITHUB_APP_ID and the rest set; forgehand doctor says what is missing)"""
    settings = load_settings(service="serve")
    configure_logging(settings.log_level, secrets=secrets_of(settings))
    raise typer.Exit(Tree(("web", "worker")).run())


class Tree:
    """Child processes that are started again when they end, until the parent is told to stop."""

    def __init__(self, commands: tuple[str, ...]) -> None:
        self._commands = commands
        self._stopping = threading.Event()

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        children = {command: self._start(command) for command in self._commands}
        while not self._stopping.wait(0.2):
            for command, child in children.items():
                if child.poll() is not None:
                    if child.returncode == 2:
                        # It has said what is missing: starting it again would only say so again.
                        self._end(children)
                        return 2
                    self._stopping.wait(RESTART_AFTER_S)
                    children[command] = self._start(command)
        self._end(children)
        return 0

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "cli", command], env=os.environ.copy())

    def _end(self, children: dict[str, subprocess.Popen[bytes]]) -> None:
        for child in children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
