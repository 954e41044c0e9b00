"""`forgehand doctor`: is everything there that the service needs? One line each, and what to do."""

from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from cli import probes
from cli.kernel_probe import kernels, quarantines
from cli.output import console, document, printable
from cli.probes import Check
from cli.serve import secrets_of
from forges.github import Redactor
from observability import configure_logging
from settings import Settings, SettingsError, load_settings

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    model_call: Annotated[bool, typer.Option("--model-call", help="Make one small call to the model; it costs.")] = (
        False
    ),
) -> None:
    """Check settings, database, broker, GitHub, sandbox, kernel lane, model, git and disk; say what to do about each.

    The exit status is 0 when nothing is an error. Example: forgehand doctor --model-call"""
    screen = console(as_json=as_json)
    checks = []
    for check in examine(model_call=model_call):
        checks.append(check)
        if not as_json:
            todo = f" -> {check.todo}" if check.todo else ""
            screen.print(f"{check.state:>7}", style=_STYLES[check.state], end="")
            screen.print(f"  {check.name}: {printable(check.message + todo)}")
    fine = all(check.state != "error" for check in checks)
    if as_json:
        document({"checks": [check.as_json() for check in checks], "ok": fine})
    raise typer.Exit(0 if fine else 1)


def examine(*, model_call: bool) -> Iterator[Check]:
    """Every check, one after the other as it is made; none stops the others. No secret is in any text."""
    yield from _settings_problems()
    try:
        settings = load_settings()
    except SettingsError:
        # What is wrong has been said; without settings only the machine itself can be looked at.
        yield probes.git()
        return
    secrets = secrets_of(settings)
    configure_logging("error", secrets=secrets)
    redact = Redactor(secrets)
    for look in _looks(settings, model_call):
        for check in look():
            yield Check(check.name, check.state, redact(check.message), redact(check.todo))


def _settings_problems() -> Iterator[Check]:
    try:
        load_settings(service="serve")
    except SettingsError as error:
        for problem in error.problems:
            what, _, todo = problem.partition(": ")
            yield Check("settings", "error", what, todo)
    else:
        yield Check("settings", "ok", "everything `forgehand serve` needs is set")


def _looks(settings: Settings, model_call: bool) -> list[Callable[[], Iterator[Check]]]:
    return [
        lambda: iter([probes.git()]),
        lambda: iter([probes.disk(settings)]),
        lambda: iter([probes.database(settings)]),
        lambda: iter([probes.broker(settings)]),
        lambda: probes.github(settings),
        lambda: iter([probes.sandbox(settings)]),
        lambda: iter([kernels(settings)]),
        quarantines,
        lambda: probes.model(settings, call=model_call),
    ]
