"""Shell scripts read, not run: the simple commands in them, and what a command is without what only starts it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SCRIPT = 64 << 10
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}|\$\(\(.*?\)\)")
_HEREDOC = re.compile(r"<<[-~]?\s*['\"]?([A-Za-z_]\w*)['\"]?")
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&", "(", ")", ";;", "|&", "{", "}"})
_KEYWORDS = frozenset({"if", "then", "else", "elif", "do", "while", "until", "!", "exec", "command", "time", "nice"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_FORGIVING = frozenset({"true", ":", "echo", "printf"})


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command: its words, its line in the script (from 0), and whether the script goes on when it fails."""

    words: tuple[str, ...]
    line: int
    forgiven: bool = False

    def __str__(self) -> str:
        return " ".join(self.words)


def simple_commands(script: str) -> Iterator[Simple]:
    """The simple commands of a POSIX-like script, in order. Never raises: a line that does not parse is cut at spaces.

    An expression of the CI system counts as one word. Bodies of here-documents are passed over.
    """
    tolerant = False
    for number, line in _logical_lines(script[:MAX_SCRIPT]):
        for words, forgiven in _parts(line):
            if words[:2] == ("set", "+e"):
                tolerant = True
            elif words[0] == "set" and any(word.startswith("-") and "e" in word for word in words[1:]):
                tolerant = False
            else:
                yield Simple(words, number, forgiven or tolerant)


def _logical_lines(script: str) -> Iterator[tuple[int, str]]:
    held, began, ending = "", 0, None
    for number, line in enumerate(script.splitlines()):
        if ending is not None:
            ending = None if line.strip() == ending else ending
            continue
        if not held:
            began = number
        if line.rstrip().endswith(("\\", "`")) and not line.rstrip().endswith("``"):
            held += line.rstrip()[:-1] + " "
            continue
        whole = held + line
        held = ""
        here = _HEREDOC.search(whole)
        ending = here.group(1) if here else None
        yield began, whole
    if held:
        yield began, held


def _parts(line: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The commands of one line, each with whether its failure is caught by what follows it."""
    tokens = _tokens(_EXPRESSION.sub("$_", line))
    commands: list[list[str]] = [[]]
    joints: list[str] = []
    for token in tokens:
        if token in _SEPARATORS:
            joints.append(token)
            commands.append([])
        else:
            commands[-1].append(token)
    for index, words in enumerate(commands):
        while words and words[0] in _KEYWORDS:
            words = words[1:]
        if not words:
            continue
        after = commands[index + 1] if index < len(joints) and joints[index] == "||" else []
        forgiven = bool(after) and (after[0] in _FORGIVING or after[:2] == ["exit", "0"])
        yield tuple(words), forgiven


def _tokens(line: str) -> list[str]:
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        return list(lexer)
    except ValueError:
        return line.split()


_TAKES_VALUE = frozenset(  # of the starters below; their other options stand alone
    {
        "--group",
        "--only-group",
        "--no-group",
        "--extra",
        "--with",
        "--with-requirements",
        "--python",
        "-p",
        "--project",
        "--directory",
        "--env-file",
        "--package",
        "--from",
        "--index-url",
        "-n",
        "--name",
        "-u",
        "--filter",
        "-F",
        "--prefix",
        "-C",
        "--cwd",
        "--exclude",
        "--reporter",
        "--report-dir",
        "-e",
        "--environment",
        "--manifest-path",
    }
)
_STARTERS: tuple[tuple[str, ...], ...] = (
    ("uv", "tool", "run"), ("uv", "run"), ("uvx",), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"),
    ("hatch", "run"), ("rye", "run"), ("pixi", "run"),
    ("pipx", "run"), ("conda", "run"), ("micromamba", "run"), ("bundle", "exec"),
    ("npx",), ("bunx",), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"), ("yarn", "dlx"), ("npm", "exec"),
    ("composer", "exec"), ("dotnet", "tool", "run"), ("mise", "exec"), ("xvfb-run",), ("sudo",), ("env",),
    ("cross-env",), ("dotenv",), ("c8",), ("nyc",), ("coverage", "run"), ("php",), ("dotnet", "dotnet-coverage"),
)  # fmt: skip
_PYTHON = re.compile(r"(python|pypy)[0-9.]*|py")


def bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command without assignments and without the programs that only start it, its program as a plain name.

    ("uv", "run", "--locked", "python", "-m", "pytest", "-q") is ("pytest", "-q"). Empty when nothing is left. Pure.
    """
    for _ in range(12):
        if words and _ASSIGNMENT.match(words[0]):
            words = words[1:]
            continue
        named = _named(words)
        shorter = _without_starter(named)
        if shorter is None:
            return named
        words = shorter
    return _named(words)


def _named(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        return ()
    program = re.split(r"[/\\]", words[0])[-1] or words[0]
    program = re.sub(r"\.(exe|cmd|bat|phar)\Z", "", program)
    return (program, *words[1:])


def _without_starter(words: tuple[str, ...]) -> tuple[str, ...] | None:
    if not words:
        return None
    if _PYTHON.fullmatch(words[0]):
        rest = _options_past(words[1:], stop="-m")
        return rest[1:] if rest[:1] == ("-m",) and len(rest) > 1 else None
    for starter in _STARTERS:
        if words[: len(starter)] == starter:
            rest = _options_past(words[len(starter) :], stop="-m")
            if starter == ("coverage", "run") and rest[:1] == ("-m",):
                rest = rest[1:]
            while rest and _ASSIGNMENT.match(rest[0]):
                rest = rest[1:]
            return (re.sub(r"(?<=.)@[^/@]*\Z", "", rest[0]), *rest[1:]) if rest else None
    return None


def _options_past(words: tuple[str, ...], stop: str) -> tuple[str, ...]:
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != stop:
        if words[index] == "--":
            return words[index + 1 :]
        index += 2 if words[index] in _TAKES_VALUE else 1
    return words[index:]
