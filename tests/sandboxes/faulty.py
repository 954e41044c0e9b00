"""Backends with one fault each, for the checks that even a plain process passes: each must be caught by its check.

Every fault is one that real sandboxes have had: a timeout that kills only the child, streams that are merged, links
that are followed, a sweep that sweeps nothing.
"""

import io
import os
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace

from sandboxes.contract import (
    ChangesTooLarge,
    CommandResult,
    FileChange,
    SandboxError,
    SandboxSpec,
    TreeRejected,
)


class FaultyBox:
    """A box that does all the inner one does, unless a subclass does it wrong."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FaultyBackend:
    """A backend that makes boxes of one kind of fault."""

    def __init__(self, inner, box=FaultyBox):
        self.inner, self.box, self.name = inner, box, inner.name

    def create(self, spec, *, name, labels=None):
        return self.box(self.inner.create(spec, name=name, labels=labels or {}))

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Naive(FaultyBox):
    """Runs a command as most do: a shell around it, its streams in one file, the timeout for the child alone."""

    def run(self, argv, *, cwd="/work", timeout, env=None, stdin=b"", output_limit=1 << 20):
        began = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            os.set_inheritable(given.fileno(), True)
            process = subprocess.Popen(
                ["sh", "-c", '"$@"; exit $?', "sh", *argv],
                stdin=given,
                stdout=out,
                stderr=out,
                close_fds=False,
                cwd=self.workspace(),
            )
            timed_out = False
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                timed_out = True
                process.kill()
                process.wait()
            out.seek(0)
            printed = b"" if timed_out else out.read()[:output_limit]
        code = None if timed_out else process.returncode
        took = time.monotonic() - began
        return CommandResult(code, printed, b"", False, timed_out, False, took, len(printed), 0)

    def workspace(self):
        return self.inner.run(["pwd"], timeout=10).stdout.decode().strip()


class KillsAll(Naive):
    """One command's timeout takes the others with it."""

    def run(self, argv, **options):
        result = self.inner.run(argv, **options)
        if result.timed_out:
            subprocess.run(["pkill", "-KILL", "-f", "sleep 3; echo done"], check=False)
        return result


class Shell(FaultyBox):
    def run(self, argv, **options):
        return self.inner.run(["sh", "-c", " ".join(argv)], **options)


class NoDirectory(FaultyBox):
    def run(self, argv, *, cwd="/work", **options):
        return self.inner.run(argv, **options)


class NoEnvironment(FaultyBox):
    def run(self, argv, *, env=None, **options):
        return self.inner.run(argv, **options)


class NoInput(FaultyBox):
    def run(self, argv, *, stdin=b"", **options):
        return self.inner.run(argv, **options)


class Text(FaultyBox):
    def run(self, argv, **options):
        result = self.inner.run(argv, **options)
        return replace(result, stdout=result.stdout.decode(errors="replace").encode())


class CountsWhatItKeeps(FaultyBox):
    def run(self, argv, **options):
        result = self.inner.run(argv, **options)
        return replace(result, stdout_bytes=len(result.stdout))


class InBand(FaultyBox):
    """Takes what looks like the protocol for the protocol."""

    def run(self, argv, **options):
        result = self.inner.run(argv, **options)
        return replace(result, stdout=result.stdout.partition(b"FHB1")[0])


class EndsWithItsOutput(FaultyBox):
    def run(self, argv, *, timeout, **_):
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        printed = process.stdout.read()
        process.kill()
        process.wait()
        process.stdout.close()
        return CommandResult(process.returncode, printed, b"", False, False, False, 0.0, len(printed), 0)


class OneAtATime(FaultyBox):
    def __init__(self, inner):
        super().__init__(inner)
        self.lock = threading.Lock()

    def run(self, argv, **options):
        with self.lock:
            return self.inner.run(argv, **options)

    def read(self, path, **options):
        with self.lock:
            return self.inner.read(path, **options)


class ShortReads(FaultyBox):
    def read(self, path, **options):
        return self.inner.read(path, **options)[: 1 << 20]


class NoReadLimit(FaultyBox):
    def read(self, path, *, limit=1 << 24):
        return self.inner.read(path)


class NoDeletions(FaultyBox):
    def get_changes(self, **options):
        return {p: c for p, c in self.inner.get_changes(**options).items() if c.kind != "deleted"}


class NoChanges(FaultyBox):
    def get_changes(self, **_):
        return {}


class TakesAnyTree(FaultyBox):
    def put_tree(self, tar):
        try:
            self.inner.put_tree(tar)
        except TreeRejected:
            with tarfile.open(fileobj=io.BytesIO(), mode="w"):
                return


class FollowsLinks(FaultyBox):
    def get_changes(self, **options):
        def followed(change):
            if change.kind != "symlink":
                return change
            try:
                with open(change.content, "rb") as file:
                    return FileChange("file", False, file.read(1000))
            except OSError:
                return change

        return {path: followed(change) for path, change in self.inner.get_changes(**options).items()}


class WithExtra(FaultyBox):
    extra: Mapping[str, FileChange] = {"pipe": FileChange("file", False, b"")}

    def get_changes(self, **options):
        return {**self.inner.get_changes(**options), **self.extra}


class WithGit(WithExtra):
    extra: Mapping[str, FileChange] = {".git/config": FileChange("file", False, b"[core]")}


class LosesNames(FaultyBox):
    def get_changes(self, **options):
        return {path: change for path, change in self.inner.get_changes(**options).items() if "\n" not in path}


class NoChangeLimits(FaultyBox):
    def get_changes(self, **_):
        try:
            return self.inner.get_changes()
        except ChangesTooLarge:
            return {}


class FilesAreMemory(FaultyBox):
    def run(self, argv, **options):
        return self.inner.run(["sh", "-c", 'ulimit -f 100000; exec "$@"', "sh", *argv], **options)


class NeverCloses(FaultyBox):
    def close(self):
        return None


class SharedNames(FaultyBackend):
    """A second box under a name that is taken."""

    def create(self, spec, *, name, labels=None):
        try:
            return super().create(spec, name=name)
        except SandboxError:
            return super().create(spec, name=name + "-again")


class AttachesToAnother(FaultyBackend):
    def attach(self, name):
        return self.create(SandboxSpec(), name=name + "-attached")


class LivesForEver(FaultyBackend):
    def create(self, spec, *, name, labels=None):
        return super().create(replace(spec, lifetime_s=1000.0), name=name)


class SweepsNothing(FaultyBackend):
    def reap(self, keep):
        return ()


class IgnoresDestinations(FaultyBackend):
    def create(self, spec, *, name, labels=None):
        return super().create(replace(spec, network=()), name=name)


FAULTS = {
    "a command's exit code and both streams arrive apart": Naive,
    "an end by signal is a negative exit code": Naive,
    "a program that cannot be started says so": Naive,
    "no descriptor of the runner reaches a command": Naive,
    "arguments arrive byte for byte": Shell,
    "a command runs where it is told to": NoDirectory,
    "the environment is small, and the caller's is added": NoEnvironment,
    "standard input arrives whole and ends": NoInput,
    "binary output is exact": Text,
    "of 100 MB of output head and tail are kept, and all is counted": CountsWhatItKeeps,
    "output that imitates the protocol is output": InBand,
    "a program that closes its streams ends properly": EndsWithItsOutput,
    "commands run at the same time": OneAtATime,
    "files are written, read and listed": ShortReads,
    "what cannot be read says why": NoReadLimit,
    "files are read while a command runs": OneAtATime,
    "changes of every kind come out, and back in": NoDeletions,
    "a change that hides from timestamps is found": NoChanges,
    "a tree replaces the workspace, a refused one changes nothing": TakesAnyTree,
    "a box's name is its own, and a closed box is gone": SharedNames,
    "a box is handed over by its name, or ends with its maker": AttachesToAnother,
    "children in the background end": Naive,
    "what left its session ends (setsid, nohup)": Naive,
    "what was forked twice ends": Naive,
    "what ignores SIGTERM ends": Naive,
    "what is stopped ends": Naive,
    "a thousand children end": Naive,
    "what another subreaper keeps ends": Naive,
    "what a command leaves behind ends with it": Naive,
    "one command's timeout spares the others": KillsAll,
    "a command that kills or stops its supervisor gains nothing": Naive,
    "output before a timeout is kept": Naive,
    "files are disk and not memory": FilesAreMemory,
    "the lifetime ends the box": LivesForEver,
    "a destination opens no other way, or is refused": IgnoresDestinations,
    "links that lead out come as links, with nothing of what they lead to": FollowsLinks,
    "pipes, sockets and devices stay inside, hard links come as files": WithExtra,
    "names of every kind come out as they are": LosesNames,
    "too many or too large changes are refused": NoChangeLimits,
    "nothing of a planted .git comes out, and none of it runs outside": WithGit,
    "hostile archives are refused": TakesAnyTree,
    "a closed box leaves no process": NeverCloses,
    "the sweep removes what outlived its lifetime, and says so": SweepsNothing,
}
"""For each check that holds on plain processes: a fault it must catch."""


def faulty(backend, fault):
    """The backend with a fault, which is one of its boxes or its own."""
    return fault(backend) if issubclass(fault, FaultyBackend) else FaultyBackend(backend, fault)
