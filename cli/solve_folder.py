"""Where `forgehand solve` reads and writes: the repository it is given, and the folder its results are kept in."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CannotRun
from store.ids import new_task_id


def repository(given: Path) -> Path:
    """The absolute path of a git repository. CannotRun when there is none."""
    directory = given.expanduser().resolve()
    if not directory.is_dir():
        raise CannotRun(f"There is no directory {directory}. Name a git repository with --repo")
    if is_repository(directory):
        return directory
    above = next((folder for folder in directory.parents if is_repository(folder)), None)
    if above is not None:
        raise CannotRun(f"{directory} is inside a git repository, not its top folder. Use --repo {above}")
    raise CannotRun(f"{directory} is not a git repository. Run `git init` there and commit, or name another")


def is_repository(directory: Path) -> bool:
    """With a `.git` in it (a folder, or a file in a worktree), or bare. Git itself has the last word."""
    return (directory / ".git").exists() or all((directory / name).exists() for name in ("HEAD", "objects", "refs"))


@contextmanager
def opened(given: Path | None, state: Path, directory: Path) -> Iterator[Path]:
    """The folder for results: `given`, or a new one under `state`. One solve at a time has it.

    Where it lies inside the repository's working tree it is hidden from git by a .gitignore of its own.
    """
    folder = (given or state / "solve" / new_task_id(time.time())).expanduser().resolve()
    inside = folder.is_relative_to(directory)
    try:
        strange = inside and folder.exists() and not (folder / "forgehand.db").exists() and any(folder.iterdir())
        if folder == directory or strange:
            raise CannotRun(f"--out {folder} is part of the repository. Choose a new folder, or one outside of it")
        folder.mkdir(parents=True, exist_ok=True)
        for made in (folder, state.expanduser().resolve()):
            if made.is_relative_to(directory):
                made.mkdir(parents=True, exist_ok=True)
                (made / ".gitignore").write_text("*\n", encoding="ascii")
        lock = (folder / "lock").open("w", encoding="ascii")
    except OSError as error:
        raise CannotRun(f"{folder} cannot be used: {error.strerror}. Choose another with --out") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotRun(f"Another solve is at work in {folder}. Wait for its end, or choose another") from None
        yield folder
