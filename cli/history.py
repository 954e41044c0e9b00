"""`forgehand history`: where work goes, what changes together, who knows what, where a line comes from. No model."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import solve_folder
from cli.errors import CannotRun
from cli.output import console, document, printable
from codebase.history import (
    IGNORE_FILE,
    Companion,
    HotSpot,
    Pair,
    Past,
    Person,
    companions,
    hot_spots,
    pairs,
    read_blame,
    read_ignored,
    read_log,
    read_past,
    who_knows,
)
from codebase.index.contents import Contents
from codebase.index.grammars import grammar_for
from repositories.commit_history import MOST_COMMITS, CommitHistory, commit_history
from repositories.commit_tree import commit_tree
from settings import load_settings

_COUNTED = 300


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone.")],
    path: Annotated[str | None, typer.Option(metavar="PATH", help="A file or a folder in it.")] = None,
    line: Annotated[int | None, typer.Option(min=1, metavar="N", help="A line of the file.")] = None,
    rev: Annotated[str, typer.Option(help="The commit whose past it is.")] = "HEAD",
    top: Annotated[int, typer.Option(min=1, max=1_000, help="How many rows of each table at most.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell a repository's past: hot spots and what changes together; with a path, who knows it and what changes with
    it; with a line, who wrote it, when, and in which pull request.

    Commits of bots and of mass reformatting are left out, and counted.

    Example: forgehand history --repo . --path src/app.py --line 42"""
    if line is not None and path is None:
        raise CannotRun("--line needs --path: name the file it is in")
    told = Told(repo, rev)
    if path is None:
        _repository(told, top, as_json=as_json)
        return
    cleaned = path.removeprefix("./").rstrip("/")
    if line is not None:
        _line(told, cleaned, line, as_json=as_json)
    else:
        _path(told, cleaned, top, as_json=as_json)


class Told:
    """A commit's past with what it is told about: its files, and the clone it was read in. CannotRun for no clone."""

    def __init__(self, repo: Path, rev: str) -> None:
        if not repo.is_dir():
            raise CannotRun(f"--repo {repo}: there is no such folder")
        if not solve_folder.is_repository(repo):
            raise CannotRun(f"--repo {repo}: it is no git repository, and has no history. Give a clone")
        self.history: CommitHistory = commit_history(repo.resolve(), rev)
        self.contents = Contents(commit_tree(repo.resolve(), rev))
        key = hashlib.sha256(str(repo.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        log = self.history.log(load_settings().state_dir / "histories" / key)
        ignored = self.contents.read(IGNORE_FILE) or b""
        self.ignored = read_ignored(ignored.decode("utf-8", "replace"))
        self.past: Past = read_past(read_log(log.data), self.contents.files, self.ignored)
        cut = self.past.commits >= MOST_COMMITS or self.history.is_shallow()
        self.complete = log.complete and not cut

    def summary(self) -> dict[str, Any]:
        past = self.past
        return {
            "commit": self.history.commit,
            "commits": past.commits,
            "since": day(past.first),
            "until": day(past.last),
            "complete": self.complete,
            "left_out": dict(past.left_out),
        }

    def say(self, screen: Console) -> None:
        """What was looked at, and what was not."""
        past = self.past
        left_out = past.left_out
        screen.print(
            f"{past.commits} commits from {day(past.first)} to {day(past.last)}; left out: {left_out['bot']} of bots, "
            f"{left_out['mass']} of the whole tree, {left_out['named']} named in {IGNORE_FILE}"
        )
        if not self.complete:
            why = "this clone is shallow or lacks objects, or its past is longer than is read here"
            screen.print(f"The history is cut: {why}")


def _repository(told: Told, top: int, *, as_json: bool) -> None:
    code = {path for path in told.past.by_path if grammar_for(path) is not None}
    changed = {path: len(told.past.by_path[path]) * told.contents.files[path].size for path in code}
    warm = sorted(code, key=lambda path: (-changed[path], path))[: max(_COUNTED, top)]
    told.contents.load(warm)
    hot = hot_spots(told.past, {path: len(told.contents.lines(path)) for path in warm}, most=top)
    together = pairs(told.past, code, most=top)
    if as_json:
        document({
            **told.summary(),
            "hot_spots": [
                {"path": safe(one.path), "changes": one.changes, "recent": round(one.recent, 2), "lines": one.lines,
                 "score": round(one.score, 4)}
                for one in hot
            ],
            "together": [
                {"paths": [safe(path) for path in one.paths], "together": one.together, "changes": list(one.changes),
                 "likeness": round(one.likeness, 4)}
                for one in together
            ],
        })  # fmt: skip
        return
    screen = console()
    told.say(screen)
    screen.print("\nHot spots: large code that changes often, lately above all", style="bold")
    screen.print(_hot(hot))
    screen.print("\nWhat changes together, code on one side at least", style="bold")
    screen.print(_pairs(together))


def _path(told: Told, path: str, top: int, *, as_json: bool) -> None:
    below = [file for file in told.past.by_path if file == path or not path or file.startswith(f"{path}/")]
    if not below and not any(file == path or file.startswith(f"{path}/") for file in told.contents.files):
        raise CannotRun(f"--path {path}: there is no such file or folder in {told.history.commit[:12]}")
    people = who_knows(told.past, path, most=top)
    together = companions(told.past, below, most=top)
    changes = len({index for file in below for index in told.past.by_path[file]})
    once = list(told.past.once.get(path, ()))
    if as_json:
        document({
            **told.summary(),
            "path": safe(path),
            "changes": changes,
            "earlier_names": [safe(name) for name in once],
            "people": [
                {"name": one.name, "lines": one.lines, "commits": one.commits, "last": day(one.last),
                 "share": round(one.share, 4)}
                for one in people
            ],
            "together": [
                {"path": safe(one.path), "together": one.together, "of": one.of, "confidence": round(one.confidence, 4)}
                for one in together
            ],
        })  # fmt: skip
        return
    screen = console()
    told.say(screen)
    named = f", once {', '.join(printable(name) for name in once)}" if once else ""
    screen.print(f"{printable(path) or 'Everything'}: changed {changes} times{named}")
    screen.print("\nWho knows it: lines added, the recent ones counting more", style="bold")
    screen.print(_people(people))
    screen.print("\nWhat changes with it: also look at", style="bold")
    screen.print(_companions(together))


def _line(told: Told, path: str, line: int, *, as_json: bool) -> None:
    lines = told.contents.lines(path)
    if path not in told.contents.files:
        raise CannotRun(f"--path {path}: there is no such file in {told.history.commit[:12]}")
    if line > len(lines):
        raise CannotRun(f"--line {line}: {path} has {len(lines)} lines, or is too large or no text")
    blamed = told.history.blame(path, line, line, sorted(told.ignored))
    origin = next(read_blame(blamed, told.past.numbers))
    if as_json:
        document({
            "path": safe(path), "line": line, "text": lines[line - 1], "commit": origin.commit, "author": origin.author,
            "when": day(origin.when), "summary": origin.summary, "pull_request": origin.pull_request,
            "earlier_path": safe(origin.path) if origin.path != path else None, "boundary": origin.boundary,
        })  # fmt: skip
        return
    screen = console()
    screen.print(f"{printable(path)}:{line}  {printable(lines[line - 1])}")
    brought = "no pull request is named" if origin.pull_request is None else f"pull request #{origin.pull_request}"
    screen.print(f"{printable(origin.author)}, {day(origin.when)}, {origin.commit[:12]}, {brought}")
    screen.print(printable(origin.summary))
    if origin.path != path:
        screen.print(f"The file was {printable(origin.path)} then")
    if origin.boundary and not told.complete:
        screen.print("The history ends there: the line may be older")


def _hot(spots: Sequence[HotSpot]) -> Table:
    table = _table(("score", "changes", "lines"), "file")
    for one in spots:
        table.add_row(f"{one.score:.2f}", str(one.changes), str(one.lines), printable(one.path))
    return table


def _pairs(found: Sequence[Pair]) -> Table:
    table = _table(("together", "of", "and of"), "files")
    for one in found:
        files = " and ".join(printable(path) for path in one.paths)
        table.add_row(str(one.together), *(str(number) for number in one.changes), files)
    return table


def _people(people: Sequence[Person]) -> Table:
    table = _table(("share", "lines", "commits", "last"), "who")
    for one in people:
        table.add_row(f"{one.share:.0%}", str(one.lines), str(one.commits), day(one.last), printable(one.name))
    return table


def _companions(found: Sequence[Companion]) -> Table:
    table = _table(("together", "of", ""), "file")
    for one in found:
        table.add_row(str(one.together), str(one.of), f"{one.confidence:.0%}", printable(one.path))
    return table


def _table(numbers: Sequence[str], last: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in numbers:
        table.add_column(head, justify="right")
    table.add_column(last, overflow="fold")
    return table


def day(when: int) -> str:
    """A date for people; of a time that no calendar has, the nearest that it has."""
    return datetime.fromtimestamp(min(max(when, 0), 253_402_300_799), UTC).date().isoformat()


def safe(path: str) -> str:
    """A path for JSON: bytes that are no UTF-8 as backslash escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
