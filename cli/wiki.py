"""`forgehand wiki build`: a repository's wiki as static pages, written from the code; with a model, prose on top."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli import repository, solve_folder
from cli.errors import CannotRun
from cli.output import console, document, printable
from codebase import Source, asking
from codebase.facts import facts_of
from codebase.history import IGNORE_FILE, Past, read_ignored, read_log, read_past
from codebase.index import Contents
from codebase.index.grammars import grammar_for
from codebase.navigation.imports import import_graph
from codebase.readiness import files_to_read, report
from codebase.wiki import FolderRefused, Known, Origin, Published, Survey, forge_of, opened, pages, publish, survey
from repositories.commit_history import commit_history
from repositories.commit_tree import commit_tree
from repositories.published import published_at
from settings import load_settings

app = typer.Typer(help="A repository's wiki as static pages.", no_args_is_help=True)


@app.callback()
def _all() -> None:
    """A repository's wiki as static pages."""


@app.command()
def build(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone, or any folder with code.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pages go: a new folder, or a wiki made before.")],
    rev: Annotated[str, typer.Option(help="The commit, in a git clone.")] = "HEAD",
    model: Annotated[
        str | None, typer.Option(help="As LiteLLM names it, or scripted:FILE; default: none, the code speaks.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What the repository is called.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a repository's wiki: its parts and how they connect, entry points, tests, people, what changes together.

    Every statement leads to the lines it stands on, and nothing needs a network or a script. Built again, only pages
    whose inputs changed are written. With --model a model describes each part of the code; whatever of that its
    citations do not show is left out, and the exit status is 1 when the model did not answer for every part.

    Example: forgehand wiki build --repo . --out ~/wiki"""
    began = time.monotonic()
    screen = console(as_json=True)
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    source, folder = repo.resolve(), out.expanduser().resolve()
    is_clone = solve_folder.is_repository(source)
    if is_clone:
        commit_tree(source, rev)  # said before a folder is made
    elif folder.is_relative_to(source):
        raise CannotRun(f"--out {out} lies in the folder that is read. Choose one outside of it")
    prose = None
    try:
        with opened(folder) as wiki, repository.opened(source, rev, show_progress=not as_json) as one:
            found, origin = _known(source, rev, name, one, is_clone=is_clone)
            if model is not None:
                from cli.wiki_prose import write_prose  # brings the agent along, which most builds do without

                with _bar(screen, "Asking the model") as told:
                    prose = write_prose(found, one.commit, model, told)
            done = publish(pages(found, prose.paragraphs if prose else None), one.contents, origin, wiki)
    except FolderRefused as error:
        raise CannotRun(f"--out: {error}") from None
    if as_json:
        said = _as_json(folder, origin, found, done, time.monotonic() - began)
        document(said | {"prose": prose.as_json() if prose else None})
    else:
        _print(folder, done, time.monotonic() - began)
        if prose is not None:
            console().print(
                f"{prose.sentences} sentences about {len(prose.paragraphs)} parts were written and checked; "
                f"{len(prose.dropped)} were left out, which their citations do not show"
            )
    if prose is not None and prose.trouble:
        screen.print(f"The model did not answer for every part: {printable(prose.trouble)}. Build again to go on")
        raise typer.Exit(1)


def _as_json(folder: Path, origin: Origin, found: Survey, done: Published, seconds: float) -> dict[str, Any]:
    return {
        "out": str(folder),
        "commit": origin.commit or None,
        "pages": len(done.written) + len(done.unchanged),
        "written": sorted(done.written),
        "unchanged": len(done.unchanged),
        "removed": sorted(done.removed),
        "parts": len(found.parts),
        "seconds": round(seconds, 2),
    }


def _print(folder: Path, done: Published, seconds: float) -> None:
    screen = console()
    changed = f"{len(done.written)} written, {len(done.unchanged)} unchanged, {len(done.removed)} removed"
    screen.print(f"{len(done.written) + len(done.unchanged)} pages: {changed}; {seconds:.1f} s")
    screen.print(printable(f"{folder / 'index.html'}"))


def _known(
    source: Path, rev: str, given: str | None, one: asking.IndexedTree, *, is_clone: bool
) -> tuple[Survey, Origin]:
    """What is known of a commit, or of a folder as it lies there."""
    contents = one.contents
    address = published_at(source, rev) if is_clone else None
    forge = forge_of(address) if address else None
    of_folder = source.name.removesuffix(".git") or "repository"
    name = given or (forge.home.rpartition("/")[2] if forge else of_folder)
    links = one.links_of([path for path in contents.files if grammar_for(path) is not None])
    imports = import_graph(contents.files, links, contents.read)
    paths = list(contents.files)
    contents.load(files_to_read(paths))
    files = Source(lambda: paths, contents.read)
    facts = facts_of(files)
    past = _past(source, rev, contents) if is_clone else None
    known = Known(name, one.corpus, contents, links, imports, facts, past, report(facts, files))
    return survey(known), Origin(name, one.commit, forge)


def _past(source: Path, rev: str, contents: Contents) -> Past:
    key = hashlib.sha256(str(source).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    log = commit_history(source, rev).log(load_settings().state_dir / "histories" / key)
    ignored = (contents.read(IGNORE_FILE) or b"").decode("utf-8", "replace")
    return read_past(read_log(log.data), contents.files, read_ignored(ignored))


@contextmanager
def _bar(screen: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
