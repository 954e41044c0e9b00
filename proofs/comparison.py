"""Base against head, and the verdict that follows. Pure: the same results always give the same verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofs.evidence import CommandRun, Flaky, ReproductionResult, Verdict
from proofs.results import Status

_FAILING = ("failed", "error")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How each test fared on both sides; every list is sorted. `fewer` is by how many the tests that ran fell."""

    fixed: tuple[str, ...]
    kept: tuple[str, ...]
    broken: tuple[str, ...]
    still_failing: tuple[str, ...]
    new: Mapping[str, Status]
    vanished: tuple[str, ...]
    newly_skipped: tuple[str, ...]
    flaky: tuple[Flaky, ...]
    fewer: int

    @property
    def new_failing(self) -> tuple[str, ...]:
        return tuple(test for test, status in self.new.items() if status in _FAILING)


def failing_now(base: Mapping[str, Status], head: Mapping[str, Status]) -> set[str]:
    """Tests that passed on base and fail on head: those worth a second run."""
    return {test for test, status in head.items() if status in _FAILING and base.get(test) == "passed"}


def compare(
    base: Mapping[str, Status], head: Mapping[str, Status], again: Mapping[str, Status], pseudo: Collection[str]
) -> Comparison:
    """Compares test results of base and head; `again` has head's second run, empty when there was none.

    `pseudo` names the entries that stand for whole commands, which neither vanish nor count as tests.
    """
    suspects = failing_now(base, head)
    flaky = {test for test in suspects if again.get(test) == "passed"}
    both = base.keys() & head.keys()
    ran_before = sum(status != "skipped" for test, status in base.items() if test not in pseudo)
    ran_after = sum(status != "skipped" for test, status in head.items() if test not in pseudo)
    return Comparison(
        fixed=_sorted(test for test in both if base[test] in _FAILING and head[test] == "passed"),
        kept=_sorted(test for test in both if base[test] == head[test] == "passed"),
        broken=_sorted(suspects - flaky),
        still_failing=_sorted(test for test in both if base[test] in _FAILING and head[test] in _FAILING),
        new={test: head[test] for test in sorted(head.keys() - base.keys())},
        vanished=_sorted(test for test in base.keys() - head.keys() if test not in pseudo),
        newly_skipped=_sorted(test for test in both if base[test] != "skipped" and head[test] == "skipped"),
        flaky=tuple(Flaky(test, head[test], again[test]) for test in sorted(flaky)),
        fewer=max(0, ran_before - ran_after),
    )


def _sorted(tests: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(tests))


def judge(
    runs: Sequence[CommandRun],
    seen: Comparison,
    ran_tests: bool,
    reproduction: ReproductionResult | None,
    changed_tests: Sequence[str],
) -> tuple[Verdict, str]:
    """The verdict and one sentence why.

    `ran_tests`: whether any test ran on either side. `changed_tests` are test files that existed on base and that the
    patch modified or removed: then a test "fixed" may only be a test rewritten, and needs a reproduction beside it.
    """
    stuck = next((run for run in runs if run.outcome != "completed" and run.side != "head again"), None)
    if stuck is not None:
        return "could_not_run", f"{_STUCK[stuck.outcome]} on {stuck.side}: {stuck.command}"
    if reproduction is not None:
        for run in (reproduction.before, reproduction.after):
            if run.outcome in ("not_found", "out_of_memory", "box_lost"):
                return "could_not_run", f"{_STUCK[run.outcome]} on {run.side}: {run.command}"
    if not ran_tests and reproduction is None:
        return "no_tests", "No test ran on either side, and there is no reproduction."
    worse = _worse(seen)
    if worse:
        return "regressed", f"Since base, {worse}."
    if reproduction is not None and not reproduction.reproduced:
        return "unproven", _unreproduced(reproduction)
    kept = f"{len(seen.kept)} that passed still pass" if seen.kept else "the repository has no other passing test"
    if reproduction is not None:
        return "proven", f"The reproduction fails on base and passes on head; {kept}."
    if seen.fixed and not changed_tests:
        return "proven", f"{len(seen.fixed)} tests failed on base and pass on head; {kept}."
    if seen.fixed:
        return "unproven", (
            "Tests that failed pass now, but the patch changed existing test files and brings no reproduction."
        )
    return "unproven", "No test that failed on base passes now, and there is no reproduction."


_STUCK = {
    "timed_out": "A command ran past its time limit",
    "out_of_memory": "The memory limit ended a command",
    "not_found": "A command or its program does not exist",
    "box_lost": "The sandbox was lost",
}


def _worse(seen: Comparison) -> str:
    parts = (
        (len(seen.broken), "tests that passed fail"),
        (len(seen.new_failing), "new tests fail"),
        (len(seen.newly_skipped), "tests that ran are skipped"),
        (seen.fewer, "fewer tests run"),
    )
    return ", ".join(f"{number} {words}" for number, words in parts if number)


def _unreproduced(reproduction: ReproductionResult) -> str:
    if not reproduction.failed_before:
        return "The reproduction already passes on base, so it shows nothing."
    if reproduction.after.outcome == "timed_out":
        return "The reproduction ran past its time limit on head."
    return "The reproduction still fails on head."
