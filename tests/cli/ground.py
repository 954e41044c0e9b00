"""What the commands are tried on: small real repositories, scripts for the model, and the program itself."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SCRIPT = Path(__file__).with_name("sums.script.yml")
TEST = "python -m unittest discover -s tests -t ."
SUMS: Mapping[str, str | bytes | Path] = {
    ".forgehand.yml": f"test: {TEST}\n",
    "sums.py": "def total(numbers):\n    result = 0\n    # Every number counts.\n"
    "    for number in numbers[1:]:\n        result += number\n    return result\n",
    "tests/__init__.py": "",
    "tests/test_sums.py": "import unittest\n\nfrom sums import total\n\n\nclass Sums(unittest.TestCase):\n"
    "    def test_nothing(self):\n        self.assertEqual(total([]), 0)\n",
}
ISSUE = "# The first number is left out\n\n`total([2, 3])` gives 3, and 5 is right.\n"
_GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
       (("NAME", "Ada"), ("EMAIL", "ada@example.invalid"), ("DATE", "2026-01-01T00:00:00+00:00"))},
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; fails when there is anything else."""
        return json.loads(self.out)


Forgehand = Callable[..., Ran]


def git(folder: Path, *arguments: str) -> str:
    """Git as a person would run it."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments], cwd=folder, env=_GIT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def put(folder: Path, files: Mapping[str, str | bytes | Path]) -> None:
    """Writes files; a Path as content makes a symlink to it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_repository(folder: Path, files: Mapping[str, str | bytes | Path]) -> Path:
    """A repository with one commit on `main`."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    put(folder, files)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def write_script(path: Path, **phases: list[dict[str, Any]]) -> str:
    """The usual script with some of its windows replaced; as a value for --model."""
    script = yaml.safe_load(SCRIPT.read_text())
    script["phases"] |= phases
    path.write_text(yaml.safe_dump(script))
    return f"scripted:{path}"


def usual(phase: str) -> list[dict[str, Any]]:
    """The turns the usual script has for a window."""
    turns: list[dict[str, Any]] = yaml.safe_load(SCRIPT.read_text())["phases"][phase]
    return turns


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A turn with one call."""
    return {"call": [{"tool": tool, "args": arguments}]}


def start(*arguments: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """The program as a process of its own, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
