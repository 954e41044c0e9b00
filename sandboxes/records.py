"""What is written down about each box, so that its remains can be found after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .processes import Process, start_time

_HALF_AFTER_S = 60.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def check_name(name: str) -> None:
    """ValueError unless `name` can name a file, a control group and a container alike."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"a box's name is up to 100 of a-z 0-9 . _ - and starts with a letter or digit, not {name!r}")


@dataclass(frozen=True, slots=True)
class Record:
    """One box: who made it, which processes and places it has, and until when it may live (seconds since 1970)."""

    name: str
    backend: str
    owner: Process
    deadline: float
    labels: Mapping[str, str]
    runner: Process | None = None
    groups: tuple[str, ...] = ()
    directory: str | None = None

    def dead(self, now: float) -> bool:
        """True when nobody answers for the box any more."""
        return now > self.deadline or not self.owner.alive()


class Records:
    """The records of all boxes of a host, one JSON file each, written so that a reader never sees half of one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, record: Record) -> None:
        """Writes a new record. FileExistsError when the name is taken."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._write(record)
        try:
            os.link(beside, self._path(record.name))  # unlike a rename, refuses a name that is taken
        finally:
            beside.unlink()

    def update(self, record: Record) -> None:
        os.replace(self._write(record), self._path(record.name))

    def _write(self, record: Record) -> Path:
        beside = self._directory / f"{record.name}.{os.getpid()}.new"
        beside.write_text(json.dumps(asdict(record)))
        return beside

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()

    def sweep(self) -> None:
        """Removes halves of records whose writer was killed before they had their name."""
        for path in self._directory.glob("*.new"):
            with contextlib.suppress(FileNotFoundError):
                pid = path.name.split(".")[-2]
                old = time.time() - path.stat().st_mtime > _HALF_AFTER_S
                if old or not pid.isdigit() or not os.path.exists(f"/proc/{pid}"):
                    path.unlink()

    def all(self) -> Iterator[Record]:
        """Every record that can be read."""
        for path in sorted(self._directory.glob("*.json")):
            try:
                yield _load(json.loads(path.read_text()))
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                continue

    def reap(self, backend: str, keep: Callable[[], Container[str]], end: Callable[[Record], None]) -> list[str]:
        """Ends, by `end`, what dead owners left of a backend's boxes and is not in `keep()`, which is asked after the
        boxes were listed; the names of those removed."""
        self.sweep()
        found = [record for record in self.all() if record.backend == backend]
        kept = keep()
        removed = [record for record in found if record.name not in kept and record.dead(time.time())]
        for record in removed:
            if record.runner:
                record.runner.kill()
            end(record)
            self.remove(record.name)
        return [record.name for record in removed]

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"


def _load(data: dict[str, object]) -> Record:
    fields: dict[str, object] = dict(data)
    for name in ("owner", "runner"):
        value = fields[name]
        fields[name] = Process(**value) if isinstance(value, dict) else None
    fields["groups"] = tuple(fields["groups"])  # type: ignore[arg-type]  # checked by the caller's except
    return Record(**fields)  # type: ignore[arg-type]  # likewise


def myself() -> Process:
    """This process, as the owner of a box."""
    return Process(os.getpid(), start_time(Path("/proc/self/stat").read_bytes()))


def deadline_in(seconds: float) -> float:
    return time.time() + seconds
