"""`forgehand search`: an issue and a repository in, the places to change out. No model, no network, no checkout."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cli import solve_folder
from cli.errors import CannotRun
from cli.output import console, document, printable
from codebase.index import BlobCache, Corpus, FolderTree, Tree, build_corpus, search
from repositories.commit_tree import commit_tree
from settings import load_settings

LONGEST_QUERY = 1 << 20


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone, or any folder with code.")],
    query: Annotated[str | None, typer.Option(metavar="TEXT", help="An issue or a question.")] = None,
    query_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same from a file, - for standard input.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places at most.")] = 20,
    rev: Annotated[str, typer.Option(help="The commit to search, in a git clone.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Rank the places in a repository that an issue is about, best first.

    The first search of a repository reads all of it; later ones read only what changed since.

    Example: forgehand search --repo . --query "Session.close leaves the socket open" """
    text = _query(query, query_file)
    with opened(repo, rev, show_progress=not as_json) as corpus:
        hits = search(corpus, text, top=top)
    if as_json:
        document(
            [
                {
                    "path": hit.path.encode("utf-8", "backslashreplace").decode(),
                    "start_line": hit.start_line,
                    "end_line": hit.end_line,
                    "symbol": hit.symbol,
                    "score": hit.score,
                }
                for hit in hits
            ]
        )
        return
    screen = console()
    if not hits:
        screen.print("Nothing in the repository has anything to do with that.")
        raise typer.Exit(1)
    table = Table(box=None, pad_edge=False)
    table.add_column("score", justify="right")
    table.add_column("place", overflow="fold")
    table.add_column("symbol", overflow="fold")
    for hit in hits:
        place = f"{printable(hit.path)}:{hit.start_line}-{hit.end_line}"
        table.add_row(f"{hit.score:.2f}", place, printable(hit.symbol), style=None)
    screen.print(table)


def _query(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise CannotRun("Give the issue with --query TEXT or with --query-file FILE, one of the two")
    said = _content(file) if file is not None else text or ""
    if not said.strip():
        raise CannotRun("The query is empty. Say what you are looking for")
    return said


def _content(file: Path) -> str:
    try:
        with open(sys.stdin.fileno() if str(file) == "-" else file, "rb", closefd=str(file) != "-") as stream:
            return stream.read(LONGEST_QUERY).decode("utf-8", "replace")
    except OSError as error:
        raise CannotRun(f"--query-file {file}: {error.strerror}") from None


@contextmanager
def opened(repo: Path, rev: str, *, show_progress: bool) -> Iterator[Corpus]:
    """The corpus of a repository's commit, with its cache below the state folder. CannotRun, RepositoryError."""
    tree, name = tree_of(repo, rev)
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    cache = BlobCache(load_settings().state_dir / "indexes" / f"{key}.db")
    screen = console(as_json=True)
    columns = (TextColumn("Reading the repository"), BarColumn(), MofNCompleteColumn())
    try:
        hidden = not (show_progress and screen.is_terminal)
        with Progress(*columns, console=screen, transient=True, disable=hidden) as bar:
            task = bar.add_task("", total=None)
            yield build_corpus(tree, cache, progress=lambda done, of: bar.update(task, completed=done, total=of))
    finally:
        cache.close()


def tree_of(repo: Path, rev: str) -> tuple[Tree, str]:
    """The files of a commit or a folder, and the name its cache goes by. CannotRun, RepositoryError."""
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    where = str(repo.resolve())
    if solve_folder.is_repository(repo):
        return commit_tree(repo.resolve(), rev), where
    if rev != "HEAD":
        raise CannotRun(f"--rev {rev}: {repo} is no git repository. Leave it out")
    return FolderTree(repo.resolve()), where
