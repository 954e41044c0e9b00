"""Which new files never belong in a patch: by the base's own .gitignore files, and known caches besides."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from repositories.git import Git
from repositories.names import check_path
from repositories.objects import EXECUTABLE, FILE, list_tree, read_blobs

_CACHES = Path(__file__).with_name("caches.gitignore")
_MAX_IGNORE_FILE = 1 << 20


def ignored(git: Git, commit: str, paths: Iterable[str]) -> set[str]:
    """Those of `paths` that are not tracked at `commit` and match its .gitignore files or the packaged list of caches.

    The repository's own lines win over the packaged list (``!dist/`` brings a folder back). A tracked file is never
    ignored, as in git. A .gitignore that the change itself brings has no say. Raises PathRefused for an unsafe path.
    """
    entries = list_tree(git, commit)
    tracked = {entry.path for entry in entries}
    asked = [check_path(path) for path in paths if path not in tracked]
    if not asked:
        return set()
    rules = [
        entry
        for entry in entries
        if entry.path.rsplit("/", 1)[-1] == ".gitignore"
        and entry.mode in (FILE, EXECUTABLE)
        and entry.size <= _MAX_IGNORE_FILE
    ]
    with tempfile.TemporaryDirectory(prefix="forgehand-ignore-") as scratch:
        for rule, (_, stream, size) in zip(rules, read_blobs(git, [rule.sha for rule in rules]), strict=True):
            place = Path(scratch, check_path(rule.path))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(stream.read(size))
        output = git.run(
            f"--work-tree={scratch}", "-C", scratch, "check-ignore", "--no-index", "--stdin", "-z",
            what="Could not read the ignore rules", config=(f"core.excludesFile={_CACHES}",), accept=(0, 1),
            stdin="".join(f"./{path}\0" for path in asked).encode("utf-8", "surrogateescape"),
        )  # fmt: skip
    # "./" keeps a name such as ":(top)x" from being read as a pathspec with magic.
    return {path[2:].decode("utf-8", "surrogateescape") for path in output.stdout.split(b"\0") if path}
