"""The proof itself: what ran, what it showed, and the verdict. Data only; docs/proof.md describes its JSON form."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from proofs.exercised import Exercised
from proofs.report import Format
from proofs.results import Status
from proofs.touched import KINDS

VERSION = 1
Verdict = Literal["proven", "unproven", "regressed", "no_tests", "could_not_run"]
Side = Literal["base", "head", "head again"]
Outcome = Literal["completed", "timed_out", "out_of_memory", "not_found", "box_lost"]


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One command in one box. `exit_code` is None unless `outcome` is completed or not_found; `seconds` is wall time
    inside the box; `counts` has the number of tests by status; `tail` is the bounded end of its output, cleaned."""

    side: Side
    command: str
    outcome: Outcome
    exit_code: int | None
    seconds: float
    format: Format
    counts: Mapping[str, int]
    tail: str
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it ran to its end with status 0."""
        return self.outcome == "completed" and self.exit_code == 0


@dataclass(frozen=True, slots=True)
class ReproductionResult:
    """The attempt's reproduction on both sides; `reproduced` is what counts: it failed on base and passes on head."""

    command: str
    files: tuple[str, ...]
    before: CommandRun
    after: CommandRun

    @property
    def failed_before(self) -> bool:
        """A failure or a hang on base shows the fault; a command that could not start shows nothing."""
        return self.before.outcome == "timed_out" or (self.before.outcome == "completed" and self.before.exit_code != 0)

    @property
    def reproduced(self) -> bool:
        return self.failed_before and self.after.passed


@dataclass(frozen=True, slots=True)
class Flaky:
    """A test that passed on base, failed on head and passed when head was run again."""

    test: str
    first: Status
    second: Status


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence for one patch. Lists of tests hold at most 5,000 names; `counts` has the true numbers.

    fixed: failed on base, passes on head. kept: passed and passes. broken: passed on base, fails on head twice.
    still_failing: fails on both. new: on head only, with its status. vanished: on base only. newly_skipped: ran on
    base, skipped on head. `touched` maps every kind of file to the paths of the patch of that kind.
    exercised: the changed code with the tests that exercise it, which has no say in the verdict.
    """

    verdict: Verdict
    reason: str
    base_sha: str
    head_sha: str
    isolation: str
    commands: tuple[CommandRun, ...] = ()
    reproduction: ReproductionResult | None = None
    fixed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    new: Mapping[str, Status] = field(default_factory=dict)
    vanished: tuple[str, ...] = ()
    newly_skipped: tuple[str, ...] = ()
    flaky: tuple[Flaky, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    touched: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(KINDS, ()))
    notes: tuple[str, ...] = ()
    exercised: tuple[Exercised, ...] = ()

    def to_json(self) -> str:
        """One JSON document, keys sorted; the schema is in docs/proof.md."""
        return json.dumps({"version": VERSION, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Proof:
        """The proof of a to_json() document. Raises ValueError for another version or a malformed document."""
        try:
            document: dict[str, Any] = json.loads(text)
            version = document.pop("version")
            if version != VERSION:
                raise ValueError(f"proof version {version!r} is not {VERSION}")
            if document["verdict"] not in get_args(Verdict):
                raise ValueError(f"unknown verdict {document['verdict']!r}")
            document["commands"] = tuple(_run(run) for run in document["commands"])
            document["flaky"] = tuple(Flaky(**flaky) for flaky in document["flaky"])
            # Documents from before this key are proofs all the same.
            document["exercised"] = tuple(
                Exercised(one["path"], tuple(one["tests"]), one["counts"]) for one in document.get("exercised", ())
            )
            document["touched"] = {kind: tuple(paths) for kind, paths in document["touched"].items()}
            for name in ("fixed", "kept", "broken", "still_failing", "vanished", "newly_skipped", "notes"):
                document[name] = tuple(document[name])
            shown = document["reproduction"]
            if shown is not None:
                document["reproduction"] = ReproductionResult(
                    shown["command"], tuple(shown["files"]), _run(shown["before"]), _run(shown["after"])
                )
            return cls(**document)
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"not a proof document: {problem!r}") from None


def _run(document: dict[str, Any]) -> CommandRun:
    return CommandRun(**{**document, "notes": tuple(document["notes"])})
