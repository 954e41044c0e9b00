"""Proves a patch: base and head, each exactly as committed, each in a fresh box, the same commands on both."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from proofs.comparison import Comparison, compare, failing_now, judge
from proofs.evidence import CommandRun, Proof, ReproductionResult, Side
from proofs.execution import run_plain, run_tests
from proofs.exercised import exercised
from proofs.plan import ProofPlan, Reproduction
from proofs.results import Status, one_line_name, printable
from proofs.touched import KINDS, classify
from sandboxes.contract import Box, SandboxError

SetUp = Callable[[Box, Side], Sequence[CommandRun]]
"""Gets a box with a side's tree ready for its tests; returns the commands that made it so."""
MAX_NAMES = 5_000
_MAX_REPRODUCTION_FILE = 16 << 20


@dataclass(slots=True)
class _SideResult:
    """What one box showed: its commands, the results by test, and which names stand for whole commands."""

    isolation: str
    runs: list[CommandRun] = field(default_factory=list)
    tests: dict[str, Status] = field(default_factory=dict)
    pseudo: set[str] = field(default_factory=set)
    ran_tests: bool = False
    reproduction: CommandRun | None = None
    failure: str | None = None


def prove(
    make_box: Callable[[str], Box],
    base_tree: Callable[[], BinaryIO],
    head_tree: Callable[[], BinaryIO],
    plan: ProofPlan,
    *,
    base_sha: str,
    head_sha: str,
    changed: Mapping[str, str],
    set_up: SetUp = lambda box, side: (),
    exercising: Mapping[str, Sequence[str]] | None = None,
) -> Proof:
    """Runs the plan on base and on head and compares.

    `make_box` gives a new box for a label ("base", "head", "head-again"). `base_tree` and `head_tree` open tar streams
    of the two commits, straight from git and not from any box an agent has been in. `changed` maps the paths of the
    patch to "added", "modified", "deleted", "renamed" or "type_changed". A set-up command that did not pass ends the
    proof as could_not_run.

    `exercising` maps changed files of code to the test files that exercise them, the likeliest first, none where
    nothing says that any does; the proof sets the head's results beside them, as evidence and not for the verdict.

    A test that passed on base and fails on head gets a second run, in a third box; when it passes there it is flaky,
    not broken. Trouble with the boxes is never raised: it gives the verdict could_not_run with its reason.
    """
    touched = _touched(changed)
    changed_tests = [path for path in touched["tests"] if changed[path] != "added"]
    if not plan.test_commands and plan.reproduction is None:
        return Proof("no_tests", "There is no test command and no reproduction.", base_sha, head_sha, "not used",
                     touched=touched)  # fmt: skip
    try:
        files = _committed(head_tree, plan.reproduction)
    except LookupError as missing:
        return Proof("could_not_run", str(missing), base_sha, head_sha, "not used", touched=touched)
    base = _run_side(make_box, "base", base_tree, set_up, plan, files)
    head = _run_side(make_box, "head", head_tree, set_up, plan, {})
    again = _SideResult(head.isolation)
    if failing_now(base.tests, head.tests):
        again = _run_side(make_box, "head again", head_tree, set_up, plan, {}, reproduce=False)
    seen = compare(base.tests, head.tests, again.tests, base.pseudo | head.pseudo)
    reproduction = None
    if plan.reproduction and base.reproduction and head.reproduction:
        reproduction = ReproductionResult(
            plan.reproduction.command, plan.reproduction.files, base.reproduction, head.reproduction
        )
    runs = (*base.runs, *head.runs, *again.runs)
    verdict, reason = judge(runs, seen, base.ran_tests or head.ran_tests, reproduction, changed_tests)
    failure = base.failure or head.failure
    if failure:
        verdict, reason = "could_not_run", failure
    return Proof(
        verdict=verdict,
        reason=reason,
        base_sha=base_sha,
        head_sha=head_sha,
        isolation=_weakest(base.isolation, head.isolation),
        commands=runs,
        reproduction=reproduction,
        touched=touched,
        notes=_notes(seen, again.failure),
        fixed=seen.fixed[:MAX_NAMES],
        kept=seen.kept[:MAX_NAMES],
        broken=seen.broken[:MAX_NAMES],
        still_failing=seen.still_failing[:MAX_NAMES],
        new=dict(list(seen.new.items())[:MAX_NAMES]),
        vanished=seen.vanished[:MAX_NAMES],
        newly_skipped=seen.newly_skipped[:MAX_NAMES],
        flaky=seen.flaky[:MAX_NAMES],
        counts=_counts(seen),
        exercised=exercised(exercising or {}, head.tests),
    )


def _run_side(
    make_box: Callable[[str], Box],
    side: Side,
    tree: Callable[[], BinaryIO],
    set_up: SetUp,
    plan: ProofPlan,
    extra: Mapping[str, tuple[bytes, bool]],
    *,
    reproduce: bool = True,
) -> _SideResult:
    """The plan in one fresh box; `extra` files (content, executable) are written before the reproduction only."""
    result = _SideResult("not used")
    try:
        with make_box(side.replace(" ", "-")) as box:
            result.isolation = box.isolation
            with tree() as tar:
                box.put_tree(tar)
            result.runs += set_up(box, side)
            if failed := next((run for run in result.runs if not run.passed), None):
                result.failure = f"A set-up command did not succeed on {side}: {failed.command}"
                return result
            for number, command in enumerate(plan.test_commands, start=1):
                prefix = f"{number}: " if len(plan.test_commands) > 1 else ""
                run, report = run_tests(box, side, command, plan.timeout_s)
                result.runs.append(run)
                result.ran_tests |= report.ran_tests
                result.pseudo.add(prefix + one_line_name(f"$ {command}"))
                result.tests |= {prefix + test: status for test, status in report.tests.items()}
            if reproduce and plan.reproduction:
                for path, (content, executable) in extra.items():
                    box.write(path, content, executable=executable)
                result.reproduction = run_plain(box, side, plan.reproduction.command, plan.timeout_s)
    except SandboxError as lost:
        result.failure = f"The sandbox for {side} failed: {printable(str(lost))[:500]}"
    return result


def _committed(tree: Callable[[], BinaryIO], reproduction: Reproduction | None) -> dict[str, tuple[bytes, bool]]:
    """The reproduction's files as the head commit has them. Raises LookupError for one that is not there."""
    wanted = set(reproduction.files) if reproduction else set()
    found: dict[str, tuple[bytes, bool]] = {}
    if not wanted:
        return found
    with tree() as stream, tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.name in wanted and member.isreg() else None
            if content is not None and member.size <= _MAX_REPRODUCTION_FILE:
                found[member.name] = (content.read(), bool(member.mode & 0o100))
    missing = sorted(wanted - found.keys())
    if missing:
        raise LookupError(f"The reproduction names a file that head does not have: {printable(missing[0])[:200]}")
    return found


def _touched(changed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {kind: tuple(path for path in sorted(changed) if classify(path) == kind) for kind in KINDS}


def _weakest(*isolations: str) -> str:
    used = [isolation for isolation in isolations if isolation != "not used"]
    return "none" if "none" in used else (used[0] if used else "not used")


def _notes(seen: Comparison, second_failure: str | None) -> tuple[str, ...]:
    notes = []
    if second_failure:
        notes.append(f"The second run of head could not be made: {second_failure}")
    if seen.vanished:
        notes.append(f"{len(seen.vanished)} tests of base are not on head; {len(seen.new)} are on head only.")
    if seen.flaky:
        notes.append(f"{len(seen.flaky)} tests failed on head once and passed when run again.")
    return tuple(notes)


def _counts(seen: Comparison) -> dict[str, int]:
    names = ("fixed", "kept", "broken", "still_failing", "new", "new_failing", "vanished", "newly_skipped", "flaky")
    return {name: len(getattr(seen, name)) for name in names}
