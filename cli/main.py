"""The commands' table, and the one place where an error becomes a line and an exit status."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from cli.errors import CannotRun

# Command -> module and function. Only the module of the command that is asked for is imported: the web process
# should not carry the agent, nor the worker the demo.
COMMANDS = {
    "demo": ("cli.demo", "command"),
    "serve": ("cli.serve", "serve"),
    "web": ("cli.serve", "web"),
    "worker": ("cli.serve", "worker"),
    "solve": ("cli.solve", "command"),
    "search": ("cli.search", "command"),
    "navigate": ("cli.navigate", "app"),
    "ask": ("cli.ask", "command"),
    "wiki": ("cli.wiki", "app"),
    "history": ("cli.history", "command"),
    "tests": ("cli.tests", "command"),
    "readiness": ("cli.readiness", "command"),
    "setup": ("cli.setup", "command"),
    "doctor": ("cli.doctor", "command"),
    "tasks": ("cli.tasks", "app"),
    "sandbox": ("cli.sandbox", "app"),
    "kernel": ("cli.kernel", "app"),
    "eval": ("evals.command", "app"),
}


def build(names: Iterable[str]) -> typer.Typer:
    """The program with these of its commands."""
    program = typer.Typer(
        name="forgehand",
        help="A software engineer you assign an issue to. Every pull request comes with proof.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
    )
    program.callback()(_all_commands)
    for name in names:
        module, attribute = COMMANDS[name]
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=name)
        else:
            program.command(name)(found)
    return program


def _all_commands() -> None:
    """A software engineer you assign an issue to. Every pull request comes with proof."""


def main() -> None:
    """Runs a command. What a person can put right is said in a line, without a traceback; then the status is 2."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        build([asked] if asked in COMMANDS else COMMANDS)()
    except CannotRun as error:
        _refuse(str(error))
    except Exception as error:
        if not _is_for_people(error):
            raise
        _refuse(str(error))


def _is_for_people(error: Exception) -> bool:
    """Errors whose text says what to do. Their rooms are looked up by name: most commands import only some of them."""
    names = {"SettingsError", "SandboxError", "ForgeError", "RepositoryError", "ScriptError", "PriceUnknown"}
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _refuse(text: str) -> None:
    sys.stderr.write(f"forgehand: {text}\n")
    sys.exit(2)
