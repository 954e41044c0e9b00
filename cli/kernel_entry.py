"""A kernel as `.forgehand.yml` names it, read from a folder: what a pull request's check is done again with."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cli.errors import CannotRun
from cli.output import printable
from codebase.kernel_entries import read_kernels
from kernels.candidate import Candidate
from kernels.task import MOST_SOURCE, Task, TaskError, make_task


def read_entry(folder: Path, name: str) -> tuple[Task, Candidate]:
    """CannotRun when there is no such kernel, or it cannot be read."""
    found = read_kernels(partial(_read, folder))
    if found.problems:
        problem = found.problems[0]
        raise CannotRun(f"{printable(str(folder / problem.where.path))}:{problem.where.line}: {problem.message}")
    entry = found.named(name)
    if entry is None:
        known = ", ".join(one.name for one in found.entries) or "none"
        raise CannotRun(
            f"{printable(str(folder / (found.path or '.forgehand.yml')))} names no kernel {name!r}: {known}"
        )
    reference, candidate = _read(folder, entry.reference), _read(folder, entry.candidate)
    for path, source in ((entry.reference, reference), (entry.candidate, candidate)):
        if source is None:
            raise CannotRun(f"{printable(str(folder / path))}, which the kernel {name} names, is not there")
    try:
        return make_task(name, reference or b"", entry.options), Candidate(entry.candidate, candidate or b"")
    except TaskError as error:
        raise CannotRun(f"the kernel {name}: {printable(str(error))}") from None


def _read(folder: Path, path: str) -> bytes | None:
    try:
        with (folder / path).open("rb") as file:
            data = file.read(MOST_SOURCE + 1)
    except OSError:
        return None
    if len(data) > MOST_SOURCE:
        raise CannotRun(f"{printable(str(folder / path))} has more than {MOST_SOURCE} bytes")
    return data
