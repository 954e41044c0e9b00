"""`forgehand tests`: a change in, the tests that exercise it out, each with its reasons. No model, nothing is run."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import solve_folder
from cli.errors import CannotRun
from cli.history import Told, safe
from cli.output import console, document, printable
from cli.repository import opened
from codebase import read_facts
from codebase.asking import IndexedTree
from codebase.index.grammars import grammar_for
from codebase.navigation import import_graph
from codebase.testing import Edit, NotADiff, Selection, TestMap, commands_for, npm_script, read_diff
from repositories.commit_tree import locate
from repositories.comparison import readable_diff

_LARGEST_PATCH = 32 << 20
_LARGEST_FILE = 1 << 20
_SHOWN_REASONS = 3
_SHOWN_TESTS = 4


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone.")],
    base: Annotated[str, typer.Option(metavar="REV", help="The commit that the change was made on.")],
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="The commit with the change; by default HEAD.")
    ] = None,
    patch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The change as a diff instead, - for standard input.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=500, help="How many test files at most.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Name the tests that exercise a change, the likeliest first, and the commands that run just these.

    Told from names, calls, imports and the past; what only a run would show is missed. A change that is not committed
    comes as a diff: git diff HEAD | forgehand tests --repo . --base HEAD --patch -

    Example: forgehand tests --repo . --base main --head my-branch"""
    if head is not None and patch is not None:
        raise CannotRun("Give the change with --head REV or with --patch FILE, one of the two")
    if repo.is_dir() and not solve_folder.is_repository(repo):
        raise CannotRun(f"--repo {repo}: it is no git repository. Give a clone")
    if patch is not None:
        edits, start = _edits(_content(patch), f"--patch {patch}"), base
    else:
        start, diff = _between(repo, base, head or "HEAD")
        edits = _edits(diff, f"{base} and {head or 'HEAD'}") if diff.strip() else []
    with opened(repo, start, show_progress=not as_json) as known:
        selection, commands = _selected(known, repo, start, edits, top)
    if as_json:
        document(_document(known.commit, edits, selection, commands))
    else:
        _say(edits, selection, commands)


def _between(repo: Path, base: str, head: str) -> tuple[str, str]:
    """The commit at which the two parted, and the difference from there to `head`. CannotRun, RepositoryError."""
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    git, old = locate(repo.resolve(), base)
    _, new = locate(repo.resolve(), head)
    shared = git.run("merge-base", old, new, what="Could not compare", accept=(0, 1)).stdout.decode("ascii").strip()
    start = shared or old
    return start, readable_diff(git, start, new, limit=_LARGEST_PATCH)


def _content(file: Path) -> str:
    try:
        with open(sys.stdin.fileno() if str(file) == "-" else file, "rb", closefd=str(file) != "-") as stream:
            data = stream.read(_LARGEST_PATCH + 1)
    except OSError as error:
        raise CannotRun(f"--patch {file}: {error.strerror}") from None
    if len(data) > _LARGEST_PATCH:
        raise CannotRun(f"--patch {file}: it has more than {_LARGEST_PATCH >> 20} MiB. Give a smaller change")
    return data.decode("utf-8", "replace")


def _edits(diff: str, where: str) -> list[Edit]:
    try:
        return read_diff(diff)
    except NotADiff as error:
        raise CannotRun(f"{where}: {error}. Give what git diff prints") from None


def _selected(
    known: IndexedTree, repo: Path, start: str, edits: Sequence[Edit], top: int
) -> tuple[Selection, list[str]]:
    contents = known.contents
    past = Told(repo, start).past
    links = known.links_of([path for path in contents.files if grammar_for(path) is not None])
    graph = import_graph(contents.files, links, contents.read)
    selection = TestMap(known.corpus, links, graph, past).select(edits, most=top)

    def read(path: str) -> bytes | None:
        file = contents.files.get(path)
        return contents.read(path) if file is not None and file.size <= _LARGEST_FILE else None

    facts = read_facts(lambda: contents.files, read)
    return selection, commands_for(selection.likely, facts.test_commands, npm_script(read("package.json")))


def _document(commit: str, edits: Sequence[Edit], selection: Selection, commands: Sequence[str]) -> dict[str, Any]:
    return {
        "base": commit,
        "changed": [safe(edit.path) for edit in edits],
        "tests": [
            {
                "path": safe(one.path),
                "score": one.score,
                "exercises": one.exercises,
                "tests": list(one.tests),
                "reasons": [
                    {"kind": why.kind, "of": safe(why.path), "detail": safe(why.detail), "line": why.line or None}
                    for why in one.reasons
                ],
            }
            for one in selection.tests
        ],
        "unexercised": [safe(path) for path in selection.unexercised],
        "left_out": selection.left_out,
        "commands": list(commands),
    }


def _say(edits: Sequence[Edit], selection: Selection, commands: Sequence[str]) -> None:
    screen = console()
    if not edits:
        screen.print("Nothing is changed.")
        return
    if not selection.tests:
        screen.print("Nothing that can be read says that any test exercises this change.")
    for number, one in enumerate(selection.tests, start=1):
        screen.print(f"{number:3}. {printable(one.path)}  {one.score:.2f}")
        if one.tests:
            more = ", ..." if len(one.tests) > _SHOWN_TESTS else ""
            screen.print(f"     {', '.join(printable(name) for name in one.tests[:_SHOWN_TESTS])}{more}")
        for why in one.reasons[:_SHOWN_REASONS]:
            line = f" (line {why.line})" if why.line else ""
            screen.print(f"     {printable(str(why))}{line}")
    if selection.left_out:
        screen.print(f"{selection.left_out} more test files have weaker reasons")
    for path in selection.unexercised:
        screen.print(f"No test exercises {printable(path)}, as far as can be read")
    if commands:
        screen.print("\nTo run the likely ones:", style="bold")
        for line in commands:
            screen.print(f"  {printable(line)}")
