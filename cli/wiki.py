"""`forgehand wiki build`: a repository's wiki as static pages, written from the code; with a model, prose on top."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli import solve_folder
from cli.errors import CannotRun
from cli.output import console, document
from codebase.facts import read_facts
from codebase.history import IGNORE_FILE, Past, read_ignored, read_log, read_past
from codebase.index import BlobCache, Contents, FolderTree, Tree, build_corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import links_of
from codebase.navigation.imports import import_graph
from codebase.wiki import FolderRefused, Known, Origin, forge_of, opened, pages, publish, survey
from repositories.commit_history import commit_history
from repositories.commit_tree import commit_tree
from repositories.errors import EmptyRepository
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
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What the repository is called.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a repository's wiki: its parts and how they connect, entry points, tests, people, what changes together.

    Every statement leads to the lines it stands on, and nothing needs a network or a script. Built again, only pages
    whose inputs changed are written.

    Example: forgehand wiki build --repo . --out ~/wiki"""
    began = time.monotonic()
    screen = console(as_json=True)
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    source, folder = repo.resolve(), out.expanduser().resolve()
    try:
        with opened(folder) as wiki:
            known, origin = _known(source, folder, rev, name, screen)
            found = survey(known)
            done = publish(pages(found), known.contents, origin, wiki)
    except FolderRefused as error:
        raise CannotRun(f"--out: {error}") from None
    seconds = time.monotonic() - began
    if as_json:
        document(
            {
                "out": str(folder),
                "commit": origin.commit,
                "pages": len(done.written) + len(done.unchanged),
                "written": sorted(done.written),
                "unchanged": len(done.unchanged),
                "removed": sorted(done.removed),
                "parts": len(found.parts),
                "seconds": round(seconds, 2),
            }
        )
        return
    told = console()
    changed = f"{len(done.written)} written, {len(done.unchanged)} unchanged, {len(done.removed)} removed"
    told.print(f"{len(done.written) + len(done.unchanged)} pages: {changed}; {seconds:.1f} s")
    told.print(f"{folder / 'index.html'}")


def _known(source: Path, out: Path, rev: str, given: str | None, screen: Console) -> tuple[Known, Origin]:
    """What is known of a commit, or of a folder as it lies there. CannotRun, RepositoryError."""
    settings = load_settings()
    key = hashlib.sha256(str(source).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    tree, commit, address = _tree(source, out, rev)
    contents = Contents(tree)
    forge = forge_of(address) if address else None
    of_folder = source.name.removesuffix(".git") or "repository"
    name = given or (forge.home.rpartition("/")[2] if forge else of_folder)
    cache = BlobCache(settings.state_dir / "indexes" / f"{key}.db")
    try:
        with _bar(screen, "Reading the code") as progress:
            corpus = build_corpus(tree, cache, progress=progress)
        coded = [file for path, file in contents.files.items() if grammar_for(path) is not None]
        with _bar(screen, "Following imports") as progress:
            links = links_of(tree, coded, cache, progress=progress)
    finally:
        cache.close()
    imports = import_graph(contents.files, links, contents.read)
    facts = read_facts(lambda: contents.files, contents.read)
    past = _past(source, rev, contents, settings.state_dir / "histories" / key) if commit else None
    return Known(name, corpus, contents, links, imports, facts, past), Origin(name, commit, forge)


def _tree(source: Path, out: Path, rev: str) -> tuple[Tree, str, str | None]:
    """The files, the commit they are of (empty: none), and the address of the remote that has it."""
    if solve_folder.is_repository(source):
        try:
            tree = commit_tree(source, rev)
        except EmptyRepository as error:
            raise CannotRun(f"--repo {source}: {error}") from None
        return tree, tree.commit, published_at(source, rev)
    if rev != "HEAD":
        raise CannotRun(f"--rev {rev}: {source} is no git repository. Leave it out")
    if out.is_relative_to(source):
        raise CannotRun(f"--out {out} lies in the folder that is read. Choose one outside of it")
    return FolderTree(source), "", None


def _past(source: Path, rev: str, contents: Contents, kept: Path) -> Past:
    log = commit_history(source, rev).log(kept)
    ignored = (contents.read(IGNORE_FILE) or b"").decode("utf-8", "replace")
    return read_past(read_log(log.data), contents.files, read_ignored(ignored))


@contextmanager
def _bar(screen: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
