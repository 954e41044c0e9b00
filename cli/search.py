"""`forgehand search`: an issue and a repository in, the places to change out. No model, no network, no checkout."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.repository import opened
from codebase.asking import IndexedTree
from codebase.index import search
from codebase.index.reranking import Reranker, VectorCache
from codebase.index.searching import Reorder
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
    rerank: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="An embedding model, as LiteLLM names it, for a second look at the first places."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Rank the places in a repository that an issue is about, best first.

    The first search of a repository reads all of it; later ones read only what changed since.

    Example: forgehand search --repo . --query "Session.close leaves the socket open" """
    text = _query(query, query_file)
    with opened(repo, rev, show_progress=not as_json) as found, _second_look(rerank, found) as reorder:
        hits = search(found.corpus, text, top=top, reorder=reorder)
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


@contextmanager
def _second_look(model: str | None, found: IndexedTree) -> Iterator[Reorder | None]:
    """The order an embedding model would have; None where nobody named one. CannotRun where it gives no vectors."""
    settings = load_settings()
    name = settings.search_rerank if model is None else model
    if not name:
        yield None
        return
    from agent.embedding import embedder
    from agent.provider import RequestFailed

    base = settings.model_api_base
    asked = embedder(name, api_base=str(base or ""), api_key=settings.model_api_key.get_secret_value())
    vectors = VectorCache(found.cache.path)
    try:
        yield Reranker(found.contents, asked, vectors)
    except (RequestFailed, ValueError) as error:
        raise CannotRun(f"--rerank {name}: {error}. Leave it out, or name another model") from None
    finally:
        vectors.close()


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
