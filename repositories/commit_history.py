"""A commit's past as git tells it: its log with line counts, and who last wrote a line. Bounded; nothing is run."""

from __future__ import annotations

import hashlib
import os
import selectors
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from repositories.commit_tree import locate
from repositories.errors import RepositoryError
from repositories.git import Git, end, pipe_of
from repositories.names import check_path, is_sha

MOST_COMMITS = 50_000
MOST_BYTES = 64 << 20
PATIENCE_S = 120.0
MOST_LINES = 2_000
_MOST_IGNORED = 100
_KEPT = 4
_VERSION = 1
_BOUNDARIES = ("shallow", "info/grafts")

# Every field ends with a NUL, and a commit begins with @, which no record of a file can: git's numstat begins with a
# digit, a dash or a line end. Names come by the commit's own .mailmap.
_FORMAT = "--format=tformat:@%H%x00%P%x00%at%x00%aN%x00%aE%x00%s"
_DIFF = ("--numstat", "-z", "--find-renames=60%", "-l400", "--diff-merges=off", "--no-ext-diff", "--no-textconv",
         "--no-color", "--no-relative", "--submodule=short", "-O/dev/null")  # fmt: skip
_QUIET = ("--no-show-signature", "--no-notes", "--no-decorate", "--use-mailmap", "--encoding=UTF-8", "--topo-order")


@dataclass(frozen=True, slots=True)
class Log:
    """What `git log --numstat -z` printed, newest commits first; the last one may be cut anywhere when `complete`, that
    git came to its end or to as many commits as were asked for, is false."""

    data: bytes
    complete: bool


class CommitHistory:
    """The history that one commit has. Grafts and shallow clones end it where they end."""

    def __init__(self, git: Git, commit: str) -> None:
        self._git, self.commit = git, commit

    def is_shallow(self) -> bool:
        """Whether this clone was cut off: what is older than its boundary is not there."""
        return (self._shared() / "shallow").is_file()

    def log(
        self, kept: Path | None = None, *, commits: int = MOST_COMMITS, limit: int = MOST_BYTES,
        seconds: float = PATIENCE_S,
    ) -> Log:  # fmt: skip
        """The newest `commits` commits, at most `limit` bytes of them, in at most about `seconds`; what came by then.

        `kept`: a folder in which complete logs are kept by commit, so that only what is new since then is asked for.
        """
        name = f"{self._boundary()}-{commits}"
        if kept is None:
            return self._read(self.commit, commits, limit, seconds)
        known = _load(kept / f"{self.commit}-{name}")
        if known is not None:
            return Log(known, complete=True)
        since, old = self._ancestor(kept, name)
        log = self._read(f"{since}..{self.commit}" if since else self.commit, commits, limit, seconds)
        if log.complete and len(log.data) + len(old) <= limit:
            log = Log(log.data + old, complete=True)
            _keep(kept / f"{self.commit}-{name}", log.data)
        return log

    def blame(self, path: str, start: int, end_line: int, ignored: Sequence[str] = ()) -> bytes:
        """`git blame --porcelain` of lines `start` to `end_line` (from 1, at most 2,000 of them) of a tracked file.

        White space does not count, and lines moved within the file keep their origin. `ignored`: commits to look
        behind; names that are no full commit names are left out, as are commits that this clone lacks. Raises
        PathRefused, GitTimeout, and RepositoryError in git's words for a file or a line that is not there.
        """
        last = min(end_line, start + MOST_LINES - 1)
        behind = [f"--ignore-rev={sha}" for sha in self._present(ignored)]
        with self._bare() as git:
            return git.run(
                "blame", "--porcelain", "-w", "-M", "--encoding=UTF-8", "--no-textconv", *behind,
                f"-L{max(1, start)},{last}", self.commit, "--", check_path(path),
                what=f"Could not tell who wrote {path!r}", env={"GIT_LITERAL_PATHSPECS": "1"}, timeout=PATIENCE_S,
            ).stdout  # fmt: skip

    def _read(self, revisions: str, commits: int, limit: int, seconds: float) -> Log:
        with self._bare() as git:
            process = git.start(
                "log", f"--max-count={commits}", _FORMAT, *_QUIET, *_DIFF, "--end-of-options", revisions, "--"
            )
            try:
                return _collected(process, limit, time.monotonic() + seconds)
            finally:
                end(process)

    @contextmanager
    def _bare(self) -> Iterator[Git]:
        """The clone's objects behind a folder of our own.

        Settings, attributes, replacements and hooks of the clone stay outside: some, such as blame.ignoreRevsFile and
        diff.orderFile, read files and cannot be overruled from the command line.
        """
        with tempfile.TemporaryDirectory(prefix="forgehand-history-") as scratch:
            folder = Path(scratch)
            for inner in ("refs", "objects/info", "info"):
                (folder / inner).mkdir(parents=True, exist_ok=True)
            (folder / "HEAD").write_text("ref: refs/heads/none\n")
            shared = self._shared()
            (folder / "objects/info/alternates").write_bytes(_quoted(shared / "objects"))
            for name in _BOUNDARIES:
                with suppress(OSError):
                    (folder / name).write_bytes((shared / name).read_bytes())
            sha256 = "\n[extensions]\nobjectFormat = sha256\n" if len(self.commit) == 64 else ""
            (folder / "config").write_text(
                f"[core]\nrepositoryFormatVersion = 1\nbare = true\nbigFileThreshold = 8m\n"
                f"[mailmap]\nblob = {self.commit}:.mailmap\n{sha256}"
            )
            yield Git(folder)

    def _present(self, shas: Sequence[str]) -> list[str]:
        wanted = [sha for sha in dict.fromkeys(shas) if is_sha(sha)][:_MOST_IGNORED]
        if not wanted:
            return []
        told = self._git.run(
            "cat-file", "--batch-check", what="Could not look up commits", stdin="\n".join(wanted).encode() + b"\n"
        ).stdout
        return [words[0] for words in (line.split() for line in told.decode().splitlines()) if words[1:2] == ["commit"]]

    def _boundary(self) -> str:
        """A name for what cuts the history off here: the same commit has another one in a clone cut elsewhere."""
        told = hashlib.sha256(str(_VERSION).encode())
        for file in _BOUNDARIES:
            with suppress(OSError):
                told.update(file.encode() + (self._shared() / file).read_bytes())
        return told.hexdigest()[:16]

    def _shared(self) -> Path:
        """What a linked worktree shares with its main one."""
        with suppress(OSError):
            return self._git.git_dir / (self._git.git_dir / "commondir").read_text("utf-8", "replace").strip()
        return self._git.git_dir

    def _ancestor(self, kept: Path, name: str) -> tuple[str, bytes]:
        """The newest kept commit that ours descends from, and its log."""
        for file in _files(kept, name)[:_KEPT]:
            since = file.name.partition("-")[0]
            known = _load(file) if is_sha(since) else None
            if known is None:
                continue
            asked = ("merge-base", "--is-ancestor", since, self.commit)
            with suppress(RepositoryError):
                if self._git.run(*asked, what="Could not compare", accept=(0, 1, 128)).exit_code == 0:
                    return since, known
        return "", b""


def commit_history(directory: Path, rev: str) -> CommitHistory:
    """The history of `rev` in a clone, worktree or bare repository on this machine.

    Raises NameRefused, RevisionUnknown, EmptyRepository.
    """
    return CommitHistory(*locate(directory, rev))


def _quoted(folder: Path) -> bytes:
    """A folder as a line of objects/info/alternates (gitrepository-layout(5)): in C's quotes, whatever is in it."""
    escaped = os.fsencode(folder.absolute()).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"\n'


def _collected(process: subprocess.Popen[bytes], limit: int, deadline: float) -> Log:
    answers = pipe_of(process.stdout)
    pipe_of(process.stdin).close()
    found = bytearray()
    os.set_blocking(answers.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(answers, selectors.EVENT_READ)
        while len(found) < limit and selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(answers.fileno(), 256 << 10)
            if not chunk:
                with suppress(subprocess.TimeoutExpired):
                    return Log(bytes(found), complete=process.wait(timeout=10.0) == 0)
                break
            found += chunk
    return Log(bytes(found[:limit]), complete=False)


def _files(kept: Path, name: str) -> list[Path]:
    """Kept logs of the same bounds, those used last first."""
    try:
        found = [
            (entry.stat().st_mtime, entry.path)
            for entry in os.scandir(kept)
            if entry.name.endswith(name) and not entry.name.startswith(".")
        ]
    except OSError:
        return []
    return [Path(path) for _, path in sorted(found, reverse=True)]


def _load(file: Path) -> bytes | None:
    """A kept log; None for one that is not there or damaged."""
    with suppress(OSError, zlib.error, ValueError):
        data = zlib.decompress(file.read_bytes())
        if zlib.crc32(data[4:]) == int.from_bytes(data[:4], "little"):
            os.utime(file)
            return data[4:]
    return None


def _keep(file: Path, data: bytes) -> None:
    """A full disk costs the next reader time and nothing else."""
    growing = file.with_name(f".{os.getpid()}-{threading.get_ident()}-{file.name}")
    with suppress(OSError):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            growing.write_bytes(zlib.compress(zlib.crc32(data).to_bytes(4, "little") + data, level=3))
            os.replace(growing, file)
        finally:
            growing.unlink(missing_ok=True)
        for old in _files(file.parent, file.name.partition("-")[2])[_KEPT:]:
            old.unlink(missing_ok=True)
