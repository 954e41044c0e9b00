"""The report: eight assessments of one commit, and a score that is nothing but counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from codebase.ci import elsewhere
from codebase.facts import Facts
from codebase.readiness.advice import NEW_WORKFLOW, advise
from codebase.readiness.assessment import Assessment, Kind, Sign
from codebase.readiness.checks import docs, observability, style, types
from codebase.readiness.ground import Ground
from codebase.readiness.running import build, dependencies, integration_tests, unit_tests
from codebase.source import Source

_JUDGES = (style, types, unit_tests, integration_tests, build, docs, dependencies, observability)


@dataclass(frozen=True, slots=True)
class Report:
    """`language`: the one most of the product is written in, which style, types, tests and build are judged for.
    `blind`: what could not be read and might hold evidence."""

    language: str
    assessments: tuple[Assessment, ...]
    blind: tuple[str, ...]

    def count(self, *states: str) -> int:
        """How many kinds are in one of these states."""
        return sum(one.state in states for one in self.assessments)

    @property
    def summary(self) -> str:
        """The score in words: how many of the eight CI enforces, and how many more are there."""
        words = [f"{self.count('enforced')} of 8 enforced by CI"]
        for state, text in (("present", "present"), ("partial", "partial"), ("missing", "missing")):
            words += [f"{self.count(state)} {text}"] if self.count(state) else []
        return ", ".join(words)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data; evidence as `path:line`, the CI line first where there is a way from one."""
        return {
            "language": self.language,
            "enforced": self.count("enforced"),
            "present": self.count("present"),
            "partial": self.count("partial"),
            "missing": self.count("missing"),
            "kinds": [
                {
                    "kind": one.kind,
                    "state": one.state,
                    "evidence": [_sign(sign) for sign in one.signs],
                    "note": one.note,
                    "why": one.why,
                    "next": list(one.todo),
                }
                for one in self.assessments
            ],
            "not_read": list(self.blind),
        }


def _sign(sign: Sign) -> dict[str, Any]:
    return {
        "text": sign.text,
        "path": sign.where.path,
        "line": sign.where.line,
        "trail": [str(place) for place in sign.trail],
    }


def report(facts: Facts, source: Source) -> Report:
    """How ready a commit is for an agent; `facts` as `facts_of(source)` gives them. No content makes it raise."""
    ground = Ground(facts, source)
    judged = (judge(ground) for judge in _JUDGES)
    told = (replace(one, note=one.note or _SOUGHT[one.kind]) if one.state == "missing" else one for one in judged)
    assessments = _once(replace(one, todo=advise(ground, one)) for one in told)
    unread = [f"{one.path}: {one.why}" for one in source.unreadable]
    for path in source.paths:
        if path in _NOT_READ or path.startswith((".buildkite/", ".drone.", ".woodpecker")):
            unread.append(f"{path}: a CI system whose files are not read here")
    unread += [f"{place}: {why}" for place, why in elsewhere(source)]
    return Report(ground.language, assessments, tuple(dict.fromkeys(unread)))


def _once(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """A workflow that is to be added is described once; after that its steps are only named."""
    known = False
    found: list[Assessment] = []
    for one in assessments:
        steps = []
        for step in one.todo:
            new = step.startswith(NEW_WORKFLOW)
            steps.append(f"Give that workflow the step {step.rpartition(' has ')[2]}" if new and known else step)
            known |= new
        found.append(replace(one, todo=tuple(steps)))
    return tuple(found)


_SOUGHT: dict[Kind, str] = {
    "style": "no linter or formatter was found",
    "types": "no type checker was found",
    "unit tests": "no test was found",
    "integration tests": "no test is named so, and none starts a server, a browser or the program",
    "build": "no manifest and no build file was found",
    "docs": "no README and no documentation was found",
    "dependencies": "no manifest of a package manager for this language was found",
    "observability": "no library that logs, measures or traces was found in product code",
}
_NOT_READ = frozenset(
    {".cirrus.yml", "appveyor.yml", ".appveyor.yml", "bitbucket-pipelines.yml", ".drone.yml"}
    | {".semaphore/semaphore.yml"}
)
