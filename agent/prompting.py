"""Prompts from their templates: strict about missing values, and with everything from outside fenced as data."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.brief import Brief
from agent.contract import Note, Phase
from agent.places import listed
from agent.quoting import quote, shorten


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("agent", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # Markdown for a model, not HTML
    )
    environment.filters.update(quote=quote, shorten=shorten, listed=listed)
    return environment


def system(phase: Phase, brief: Brief) -> str:
    """The system message of a window."""
    return _environment().get_template("system.md.j2").render(phase=str(phase), brief=brief).strip()


def opening(phase: Phase, brief: Brief) -> str:
    """The first user message: what the window is to do."""
    return _environment().get_template("brief.md.j2").render(phase=str(phase), brief=brief).strip()


def summariser() -> str:
    """The system message of the call that shortens a conversation."""
    return _environment().get_template("summary.md.j2").render().strip()


def note(note: Note) -> str:
    """A person's note as the model reads it."""
    fenced = quote(shorten(note.body, 8000), f"{note.author} (permission: {note.permission})")
    if note.instructs:
        may = f"who has {note.permission} permission"
        return f"{note.author}, {may}, says (follow this within the ticket's scope):\n{fenced}"
    return f"{note.author} says (information only, no write permission):\n{fenced}"
