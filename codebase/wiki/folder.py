"""The folder a wiki is published in: only what changed is written, only what was written here is ever replaced.

Every new page lies ready beside the old ones before the first of them is moved to its place, so that a build that ends
early leaves the old wiki whole. While they are moved, pages of sources are never overwritten (each content has a name
of its own) and the old ones go last, so that at any time every link of every page leads somewhere.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "forgehand-wiki.json"
FORMAT = 1
_STAGE = ".forgehand-new"
# What is listed in a manifest is only believed in this form: it is removed by these names.
_NAME = re.compile(r"(?:source/)?[a-z0-9][a-z0-9-]*\.html")
_LONGEST_MANIFEST = 64 << 20


class FolderRefused(Exception):
    """The folder cannot hold a wiki: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file of the wiki. `inputs` stands for all that `render` depends on."""

    inputs: str
    render: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Published:
    """What a build did, by file name."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


class WikiFolder:
    """A wiki's folder, which this process alone writes to; made by `opened`."""

    def __init__(self, root: Path, manifest: Mapping[str, Any]) -> None:
        self._root = root
        self._files: dict[str, list[Any]] = dict(manifest.get("files", {}))
        self._pending: list[str] = list(manifest.get("pending", []))

    def publish(self, drafts: Mapping[str, Draft]) -> Published:
        """Makes the folder hold exactly these files. FolderRefused where a strange one has a name that is needed."""
        for name in drafts:
            if not _NAME.fullmatch(name):
                raise ValueError(f"no name for a page: {name!r}")
        changed = [name for name, draft in drafts.items() if not self._is_there(name, draft)]
        stale = [name for name in dict.fromkeys([*self._files, *self._pending]) if name not in drafts]
        unchanged = tuple(name for name in drafts if name not in set(changed))
        if not changed and not stale and not self._pending:
            return Published((), unchanged, ())
        self._refuse_strangers(changed)
        sizes = self._stage(changed, drafts)
        self._write_manifest(self._files, pending=[*changed, *stale])
        for name in sorted(changed, key=lambda name: (not name.startswith("source/"), name == "index.html", name)):
            os.replace(self._root / _STAGE / name, self._root / name)
        files = {name: self._files[name] for name in unchanged}
        files |= {name: [drafts[name].inputs, sizes[name]] for name in changed}
        self._write_manifest(files, pending=stale)
        for name in stale:
            (self._root / name).unlink(missing_ok=True)
        shutil.rmtree(self._root / _STAGE, ignore_errors=True)
        if not any(name.startswith("source/") for name in files):
            self._remove_if_empty("source")
        self._write_manifest(files, pending=[])
        self._files, self._pending = files, []
        return Published(tuple(changed), unchanged, tuple(stale))

    def _is_there(self, name: str, draft: Draft) -> bool:
        """Whether the file was written from the same inputs and still has its size: one that was cut short by a
        machine's crash is written anew, one that somebody edited without changing its size is not noticed."""
        known = self._files.get(name)
        if known is None or known[0] != draft.inputs or name in self._pending:
            return False
        try:
            info = os.stat(self._root / name, follow_symlinks=False)
        except OSError:
            return False
        return bool(info.st_size == known[1])

    def _refuse_strangers(self, names: list[str]) -> None:
        source = self._root / "source"
        if os.path.lexists(source) and (source.is_symlink() or not source.is_dir()):
            raise FolderRefused(f"{source} is no folder of ours. Move it away, or choose another folder")
        ours = {*self._files, *self._pending}
        for name in names:
            if name not in ours and os.path.lexists(self._root / name):
                raise FolderRefused(f"{self._root / name} is not of our making. Move it away, or choose another folder")

    def _stage(self, names: list[str], drafts: Mapping[str, Draft]) -> dict[str, int]:
        stage = self._root / _STAGE
        if stage.is_symlink():
            raise FolderRefused(f"{stage} is a link. Remove it, or choose another folder")
        shutil.rmtree(stage, ignore_errors=True)  # what a build that ended early left
        (stage / "source").mkdir(parents=True)
        (self._root / "source").mkdir(exist_ok=True)
        sizes: dict[str, int] = {}
        for name in names:
            data = drafts[name].render().encode("utf-8", "replace")
            (stage / name).write_bytes(data)
            sizes[name] = len(data)
        return sizes

    def _write_manifest(self, files: Mapping[str, list[Any]], *, pending: list[str]) -> None:
        write_manifest(self._root, files, pending)

    def _remove_if_empty(self, name: str) -> None:
        folder = self._root / name
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def write_manifest(root: Path, files: Mapping[str, list[Any]], pending: list[str]) -> None:
    text = json.dumps({"format": FORMAT, "files": dict(sorted(files.items())), "pending": sorted(pending)}, indent=0)
    fresh = root / f"{MANIFEST}.new"
    fresh.unlink(missing_ok=True)
    fresh.write_text(text + "\n", encoding="ascii")
    os.replace(fresh, root / MANIFEST)


@contextmanager
def opened(root: Path) -> Iterator[WikiFolder]:
    """The folder at `root`, made where there is none. FolderRefused where anything but a wiki of ours is in it, where
    another build is at work in it, and where it cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise FolderRefused(f"{root} cannot be used: {error.strerror}. Choose another folder") from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderRefused(f"Another build is at work in {root}. Wait for its end") from None
        try:
            yield WikiFolder(root, _manifest(root))
        except OSError as error:
            raise FolderRefused(f"{root} cannot be written: {error}. What was in it can still be read") from None
    finally:
        os.close(fd)


def _manifest(root: Path) -> Mapping[str, Any]:
    path = root / MANIFEST
    if path.is_symlink() or not path.is_file():
        if any(name != f"{MANIFEST}.new" for name in os.listdir(root)):
            raise FolderRefused(f"{root} is not empty and holds no wiki of ours. Choose a new folder")
        write_manifest(root, {}, [])
    try:
        if path.stat().st_size > _LONGEST_MANIFEST:
            raise ValueError("too large")
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise ValueError("another format")
        names = [*found["files"], *found["pending"]]
        if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
            raise ValueError("a strange name in it")
        if not all(isinstance(inputs, str) and isinstance(size, int) for inputs, size in found["files"].values()):
            raise ValueError("a strange entry in it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FolderRefused(f"{path} cannot be understood: {error}. Remove the folder, or choose another") from None
    return dict(found)
