"""What all eight judgements stand on: the facts, the files, the languages that matter, and what CI runs for changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from codebase.facts import Facts
from codebase.languages import count_languages
from codebase.purposes import Purpose, Use, uses_of
from codebase.readiness.assessment import Sign
from codebase.readiness.code import has_test_name, product_paths, test_files
from codebase.running import Run
from codebase.source import Source

_NO_CODE = frozenset({"HTML", "CSS", "SQL", "Shell"})
_FAMILIES = (
    frozenset({"JavaScript", "TypeScript"}),
    frozenset({"C", "C++", "CUDA"}),
    frozenset({"Java", "Kotlin", "Scala"}),
)
COMPILED = frozenset(
    {"Go", "Rust", "Java", "Kotlin", "Scala", "C#", "C", "C++", "CUDA", "Swift", "Haskell", "Zig", "Vala", "F#"}
    | {"OCaml", "Objective-C", "Dart", "D", "Nim", "Fortran"}
)
"""Languages whose compiler checks types and whose products are built."""


@dataclass(frozen=True)
class Ground:
    """One commit as the judgements see it."""

    facts: Facts
    source: Source

    @cached_property
    def language(self) -> str:
        """The language most files of the product are in; shell, markup and SQL count only where nothing else is."""
        counts = count_languages(product_paths(self.source.paths))
        programs = {name: count for name, count in counts.items() if name not in _NO_CODE and count}
        known = programs or {name: count for name, count in self.facts.languages.items() if name not in _NO_CODE}
        chosen = known or dict(self.facts.languages)
        return max(chosen, key=lambda name: (chosen[name], name)) if chosen else ""

    @cached_property
    def languages(self) -> frozenset[str]:
        """The main language with those the same tools speak for."""
        return next((family for family in _FAMILIES if self.language in family), frozenset({self.language}))

    @cached_property
    def compiled(self) -> bool:
        """Whether the main language has a compiler that checks types."""
        return self.language in COMPILED

    @cached_property
    def compared(self) -> frozenset[str]:
        """CI files that fail where an earlier command changed a tracked file."""
        return frozenset(
            run.trail[0].path
            for run in self.facts.ci
            if run.counts and run.words[:2] == ("git", "diff") and {"--exit-code", "--quiet"} & set(run.words)
        )

    def uses(
        self, *purposes: Purpose, counting: bool = True, anyone: bool = False, rewriting: bool = False
    ) -> list[tuple[Run, Use]]:
        """What CI runs for these purposes and the main language. `counting`: only what fails CI for a change.
        `anyone`: for other languages too. `rewriting`: also formatters that change files and fail for nothing."""
        return [
            (run, use)
            for run in self.facts.ci
            if run.counts or not counting
            for use in uses_of(run.words, hook=run.gates)
            if use.purpose in purposes
            and not (use.purpose == "build" and run.words[0] == "tsc" and not _BUILDS.search(" ".join(run.through)))
            and (use.checks or run.trail[0].path in self.compared or rewriting)
            and (anyone or not use.languages or use.languages & self.languages)
        ]

    @cached_property
    def tests(self) -> list[str]:
        """The test files of the main language, those that only prepare others last."""
        found = test_files(self.source.paths, self.languages)
        return sorted(found, key=lambda path: not has_test_name(path))

    @cached_property
    def other_tests(self) -> list[str]:
        """Test files of other languages."""
        found = test_files(self.source.paths, frozenset(self.facts.languages))
        mine = set(self.tests)
        return [path for path in found if path not in mine]

    def commands(self, *purposes: Purpose) -> list[Sign]:
        """The repository's own commands for a purpose."""
        chosen = [one for one in self.facts.commands if one.purpose in purposes]
        chosen = [one for one in chosen if not one.languages or one.languages & self.languages]
        signs = [Sign(f"`{command.command}` is there to run", command.where) for command in chosen]
        return list(dict.fromkeys(signs))


_BUILDS = re.compile(
    r"build|compile|dist|bundle|prepare|prepack"
)  # a task whose tsc writes files, not only checks them


def installs_the_project(run: Run) -> bool:
    """Whether an installation is of what the repository names, not of some tool by its name."""
    words = run.words
    named = [word for word in words[2:] if not word.startswith("-")]
    if words[0] in ("pip", "pip3") or words[:2] == ("uv", "pip"):
        return bool({"-r", "-e", "--requirement", "--editable", "--group"} & set(words)) or any(
            word.startswith((".", "-r")) for word in words[2:]
        )
    return not (named and words[0] in ("npm", "pnpm", "yarn", "bun", "composer"))


def ran(uses: Iterable[tuple[Run, Use]], most: int = 3) -> tuple[Sign, ...]:
    """Signs of what CI runs: for each tool the shortest way from a CI line, in the file that does most of it."""
    known = list(uses)
    weight = Counter(run.trail[0].path for run, _ in known)
    found: dict[str, Sign] = {}
    for run, use in sorted(known, key=lambda one: (len(one[0].trail), -weight[one[0].trail[0].path])):
        compared = "" if use.checks else " and looks for changes"
        found.setdefault(use.tool, Sign(f"CI runs `{_short(run.text)}`{compared}", run.trail[0], run.trail))
    return tuple(list(found.values())[:most])


_IDLE = ", but not before a merge, or without failing by it"


def idle(ground: Ground, *purposes: Purpose) -> list[Sign]:
    """A sign of what CI runs for the main language without its result counting for a change."""
    chosen = [run for run, _ in ground.uses(*purposes, counting=False) if not run.counts]
    return [Sign(f"CI runs `{_short(run.text)}`{_IDLE}", run.trail[0], run.trail) for run in chosen[:1]]


def _short(text: str) -> str:
    text = " ".join(text.split()).replace("`", "'")
    return text if len(text) <= 80 else f"{text[:77]}..."
