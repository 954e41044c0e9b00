"""What a repository tells those who work on it: instruction files, the pull request template, code owners."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from codebase.source import Evidence, Source

MAX_INSTRUCTION = 32 << 10  # characters kept of one file
MAX_INSTRUCTION_FILES = 50
_AGENTS = "AGENTS.md"
_CLAUDE = "CLAUDE.md"
_ROOT_FILES = (
    ".github/copilot-instructions.md",
    "CONTRIBUTING.md",
    ".github/CONTRIBUTING.md",
    "docs/CONTRIBUTING.md",
)
_OWNER_FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  # GitHub's order: the first found counts


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction file: the folder it speaks for (empty for the whole repository) and its text, maybe cut short."""

    path: str
    scope: str
    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """One line of CODEOWNERS: a pattern, its owners (none: nobody owns these paths), and where it stands."""

    pattern: str
    owners: tuple[str, ...]
    where: Evidence


def find_instructions(source: Source) -> tuple[Instruction, ...]:
    """Instruction files, general and outer ones first; a CLAUDE.md counts only where its folder has no AGENTS.md.

    A file that is a symbolic link (read as its target's name) or merely names another tracked file is passed over.
    """
    named = [path for path in source.paths if PurePosixPath(path).name in (_AGENTS, _CLAUDE)]
    with_agents = {_folder(path) for path in named if path.endswith(_AGENTS)}
    chosen = [path for path in named if path.endswith(_AGENTS) or _folder(path) not in with_agents]
    chosen.sort(key=lambda path: (path.count("/"), path))
    chosen = [path for path in _ROOT_FILES if path in source] + chosen
    found: list[Instruction] = []
    for path in chosen[:MAX_INSTRUCTION_FILES]:
        text = source.text(path)
        if text is None or not text.strip() or _names_another(source, path, text):
            continue
        scope = _folder(path) if PurePosixPath(path).name in (_AGENTS, _CLAUDE) else ""
        found.append(Instruction(path, scope, text[:MAX_INSTRUCTION], len(text) > MAX_INSTRUCTION))
    return tuple(found)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _names_another(source: Source, path: str, text: str) -> bool:
    parts = [*_folder(path).split("/"), *text.strip().split("/")] if "\n" not in text.strip() else []
    resolved: list[str] = []
    for part in parts:
        if part == ".." and resolved:
            resolved.pop()
        elif part not in ("", "."):
            resolved.append(part)
    target = "/".join(resolved)
    return target != path and target in source


def find_template(source: Source) -> tuple[str, str] | None:
    """Path and text of the pull request template, by GitHub's places (docs: "Creating a pull request template")."""
    candidates = []
    for path in source.paths:
        folder, _, name = path.lower().rpartition("/")
        stem, _, ending = name.rpartition(".")
        if ending not in ("md", "txt"):
            continue
        if stem == "pull_request_template" and folder in (".github", "", "docs"):
            candidates.append(((0, (".github", "", "docs").index(folder)), path))
        elif folder in (".github/pull_request_template", "pull_request_template", "docs/pull_request_template"):
            candidates.append(((1, 0), path))
    for _, path in sorted(candidates):
        text = source.text(path)
        if text is not None:
            return path, text[:MAX_INSTRUCTION]
    return None


def find_owners(source: Source) -> tuple[OwnerRule, ...]:
    """The rules of the CODEOWNERS file GitHub would read; lines that are no rules are passed over."""
    path = next((candidate for candidate in _OWNER_FILES if candidate in source), None)
    text = source.text(path) if path else None
    if path is None or text is None:
        return ()
    rules = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if words and not words[0].startswith(("!", "[")):
            owners = tuple(word for word in words[1:] if "@" in word)
            rules.append(OwnerRule(words[0], owners, Evidence(path, number)))
    return tuple(rules)


def owners_of(path: str, rules: tuple[OwnerRule, ...]) -> tuple[str, ...]:
    """The owners of `path`: the last rule that matches decides, as on GitHub. Pure."""
    for rule in reversed(rules):
        if _pattern(rule.pattern).match(path):
            return rule.owners
    return ()


def _pattern(pattern: str) -> re.Pattern[str]:
    """A CODEOWNERS pattern as a regular expression: gitignore's rules without negation, ranges and escapes."""
    anchored = "/" in pattern.rstrip("/")
    body = ""
    for piece in re.split(r"(\*\*/|/\*\*|\*|\?)", pattern.strip("/")):
        body += {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
    # "docs/*" owns the files in docs, not those in its subfolders; a name owns all that is below it.
    below = "" if pattern.endswith("/*") else ("/.*" if pattern.endswith("/") else "(?:/.*)?")
    return re.compile(("" if anchored else "(?:.*/)?") + body + below + r"\Z")
