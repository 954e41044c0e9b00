"""What set-ups left behind, in files of this host: found by what they were made from, made one at a time, bounded."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from proofs import CommandRun

_LOOK_EVERY_S = 0.2
_FIELDS = {field.name for field in fields(CommandRun)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a set-up's result depends on. `host`: the machine whose programs a box shows, where it shows any."""

    repository: str
    tree: str
    commands: tuple[str, ...]
    backend: str
    image: str | None
    network: tuple[str, ...]
    host: str = ""

    @property
    def key(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class SetUp:
    """The commands that ran, all passed, and the file that `Box.restore` takes."""

    runs: tuple[CommandRun, ...]
    saved: Path


class SetupCache:
    """A folder of set-ups, of at most `max_bytes` together; those used longest ago make room for new ones."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes

    def find(self, recipe: Recipe) -> SetUp | None:
        """The kept set-up; counts as a use of it."""
        saved, told = self._paths(recipe.key)
        try:
            runs = tuple(_run(one) for one in json.loads(told.read_bytes()))
            os.utime(saved)
        except (OSError, ValueError, TypeError):
            return None
        return SetUp(runs, saved)

    def keep(self, recipe: Recipe, runs: Sequence[CommandRun], save: Callable[[BinaryIO], None]) -> SetUp:
        """Keeps what `save` writes. Raises what that raises, and keeps nothing then."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        saved, told = self._paths(recipe.key)
        half = saved.with_suffix(f".{os.getpid()}-{threading.get_ident()}.half")
        try:
            with half.open("wb") as file:
                save(file)
                file.flush()
                os.fsync(file.fileno())
            half.replace(saved)
            half.write_text(json.dumps([asdict(run) for run in runs]))
            half.replace(told)
        finally:
            half.unlink(missing_ok=True)
        self._make_room(spare=recipe.key)
        return SetUp(tuple(runs), saved)

    def forget(self, recipe: Recipe) -> None:
        for path in self._paths(recipe.key):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self, recipe: Recipe, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Waits until nobody else on this host makes the same set-up. False when `give_up` was true before that."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._folder / f"{recipe.key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if give_up():
                        yield False
                        return
                    time.sleep(_LOOK_EVERY_S)  # flock(2) cannot be told to give up
                    continue
                yield True
                return
        finally:
            os.close(fd)

    def _paths(self, key: str) -> tuple[Path, Path]:
        return self._folder / f"{key}.saved", self._folder / f"{key}.json"

    def _make_room(self, *, spare: str) -> None:
        """Files of set-ups under way are nobody's yet and not counted; one that is being read stays readable."""
        found = []
        for path in self._folder.glob("*.saved"):
            with contextlib.suppress(FileNotFoundError):
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        used = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if used <= self._max_bytes:
                return
            if path.stem != spare:
                for suffix in (".json", ".saved", ".lock"):
                    path.with_suffix(suffix).unlink(missing_ok=True)
                used -= size


def _run(data: dict[str, Any]) -> CommandRun:
    if data.keys() != _FIELDS:
        raise ValueError("not a command of this version")
    return CommandRun(**data | {"notes": tuple(data["notes"])})
