"""`forgehand navigate`: where a name is defined, who uses it, what overrides what: by the index, nothing is run."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.repository import opened
from codebase.navigation import Answer, Navigator, NotThere, Place

LARGEST_MAP = 100_000
app = typer.Typer(help="Where a name is defined, who uses and calls it, what overrides what.", no_args_is_help=True)

Target = Annotated[
    str, typer.Argument(metavar="NAME", help="A name (run, Class.run, pkg.mod.run), or PATH:LINE, or PATH:LINE:NAME.")
]
Repo = Annotated[Path, typer.Option("--repo", metavar="DIR", help="A git clone, or any folder with code.")]
Rev = Annotated[str, typer.Option("--rev", help="The commit to look at, in a git clone.")]
Top = Annotated[int, typer.Option("--top", min=1, max=10_000, help="How many places at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Asked = Callable[..., Answer]


@app.command()
def definition(target: Target, repo: Repo, rev: Rev = "HEAD", top: Top = 50, as_json: AsJson = False) -> None:
    """Where a name is defined; with PATH:LINE, what stands there means.

    Example: forgehand navigate definition Session.close --repo ."""
    _places("definition", target, repo, rev, top, as_json)


@app.command()
def references(target: Target, repo: Repo, rev: Rev = "HEAD", top: Top = 50, as_json: AsJson = False) -> None:
    """Where a function or class is used: in code, not in comments and strings."""
    _places("references", target, repo, rev, top, as_json)


@app.command()
def callers(target: Target, repo: Repo, rev: Rev = "HEAD", top: Top = 50, as_json: AsJson = False) -> None:
    """The calls of a function, or of a class's constructor, and what they stand in."""
    _places("callers", target, repo, rev, top, as_json)


@app.command()
def callees(target: Target, repo: Repo, rev: Rev = "HEAD", top: Top = 50, as_json: AsJson = False) -> None:
    """What a function or class calls, as far as it is of this repository."""
    _places("callees", target, repo, rev, top, as_json)


@app.command()
def overrides(target: Target, repo: Repo, rev: Rev = "HEAD", top: Top = 50, as_json: AsJson = False) -> None:
    """For a method, where bases and heirs of its class define it too; for a class, its bases and heirs."""
    _places("overrides", target, repo, rev, top, as_json)


@app.command()
def outline(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file, from the repository's root.")],
    repo: Repo, rev: Rev = "HEAD", as_json: AsJson = False,
) -> None:  # fmt: skip
    """The functions and classes of a file."""
    _show(lambda navigator: navigator.outline(path), repo, rev, as_json)


@app.command("map")
def draw(
    repo: Repo,
    rev: Rev = "HEAD",
    tokens: Annotated[int, typer.Option(min=1, max=LARGEST_MAP, help="How long, at four characters a token.")] = 2_000,
    mention: Annotated[
        list[str] | None, typer.Option("--mention", metavar="NAME", help="A name or path that shall weigh more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The files most depended upon, with the heads of what they define."""
    with opened(repo, rev, show_progress=not as_json) as found:
        text = found.navigator.map(tokens=tokens, mentioned=mention or ())
    if as_json:
        document({"map": _written(text)})
    elif text:
        console().print(printable(text))
    else:
        console().print("There is nothing to draw: no file defines anything.")
        raise typer.Exit(1)


def _places(what: str, target: str, repo: Path, rev: str, top: int, as_json: bool) -> None:
    name, path, line = _read(target)

    def ask(navigator: Navigator) -> Answer:
        asked: Asked = getattr(navigator, what)
        return asked(name, path=path, line=line, most=top)

    _show(ask, repo, rev, as_json)


def _read(target: str) -> tuple[str, str, int]:
    """A name, or a path, a line and perhaps a name: `a.py:3:run`. `C++::names` are none of these."""
    parts = target.split(":")
    if "::" not in target and len(parts) > 1:
        at = next(
            (number for number in (len(parts) - 1, len(parts) - 2) if number > 0 and parts[number].isdecimal()), 0
        )
        if not at or int(parts[at][:9]) == 0:
            raise CannotRun(f"{target}: a place is written PATH:LINE or PATH:LINE:NAME, with lines from 1")
        return ":".join(parts[at + 1 :]), ":".join(parts[:at]), int(parts[at][:9])
    return target, "", 0


def _show(ask: Callable[[Navigator], Answer], repo: Path, rev: str, as_json: bool) -> None:
    with opened(repo, rev, show_progress=not as_json) as found:
        try:
            answer = ask(found.navigator)
        except NotThere as missing:
            raise CannotRun(f"{missing}. Look for it with: forgehand search --repo {repo} --query ...") from None
    if as_json:
        places = [{name: _written(value) for name, value in dataclasses.asdict(one).items()} for one in answer.places]
        outside = [_written(name) for name in answer.outside]
        document({"places": places, "left_out": answer.left_out, "outside": outside})
        return
    screen = console()
    for one in answer.places:
        screen.print(_shown(one))
    if answer.left_out:
        screen.print(f"{answer.left_out} more are left out; --top shows them.")
    if answer.outside:
        screen.print(f"Not of this repository: {printable(', '.join(answer.outside))}")
    if not answer.places:
        screen.print("Nothing of that kind is in the code, as far as can be read.")
        raise typer.Exit(1)


def _shown(one: Place) -> str:
    """Two lines: where and what it is, and how it reads."""
    lines = f"{one.start_line}-{one.end_line}" if one.end_line > one.start_line else f"{one.start_line}"
    within = " in " if one.symbol and one.kind not in ("class", "function", "file") else " "
    sure = f"exact: {one.scope}" if one.certainty == "exact" else one.scope or "by name"
    said = f"{one.path}:{lines}  {one.kind}{within}{one.symbol}".rstrip() + f"  ({sure})"
    return printable(f"{said}\n    {one.text}" if one.text else said)


def _written(value: object) -> object:
    """Text as JSON can hold it: a path may have bytes that are none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
