"""From a finished test command to results: which parser, and whether the report and the exit status agree. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from proofs.other_output import parse_cargo, parse_go_json, parse_go_text, parse_jest, parse_tap
from proofs.python_output import MalformedReport, parse_junit, parse_pytest_text, parse_unittest
from proofs.results import MAX_TESTS, Status, one_line_name, printable

Format = Literal["junit", "pytest", "unittest", "go_json", "go", "cargo", "tap", "jest", "command"]


@dataclass(frozen=True, slots=True)
class Report:
    """A test command's results. `format` "command" means that only the exit status is known, as one pseudo-test named
    after the command. `ran_tests` is false when a known runner ran nothing: that is never a pass."""

    format: Format
    tests: Mapping[str, Status]
    ran_tests: bool
    notes: tuple[str, ...]


def read_report(
    command: str, exit_code: int, stdout: str, stderr: str, *, junit: bytes | None, truncated: bool
) -> Report:
    """The results of `command`, which ended with `exit_code`. Disagreement between report and status is noted, and a
    failing status without a failing test is added as a failed pseudo-test: whichever of the two is worse counts.
    """
    notes: list[str] = []
    form, tests = _parse(printable(stdout), printable(stderr), junit, notes)
    pseudo = one_line_name(f"$ {command}")
    if truncated and form not in ("junit", "command"):
        notes.append("The output was cut; the list of tests may be incomplete.")
    if len(tests) >= MAX_TESTS:
        notes.append(f"Only the first {MAX_TESTS} tests were read.")
    if form == "command":
        if _nothing_ran(exit_code, stdout + stderr):
            return Report("command", {}, False, (*notes, "The command ran no tests."))
        status: Status = "passed" if exit_code == 0 else "failed"
        return Report("command", {pseudo: status}, True, (*notes, "Only the exit status is known for this command."))
    failing = sum(status in ("failed", "error") for status in tests.values())
    if exit_code == 0 and failing:
        notes.append(f"The command ended with status 0 although {failing} tests failed; the tests count.")
    if exit_code != 0 and not failing:
        notes.append(f"The command ended with status {exit_code} although no test failed; it counts as failed.")
        tests = {**tests, pseudo: "failed"}
    if not tests:
        notes.append("The command ran no tests.")
    return Report(form, tests, bool(tests.keys() - {pseudo}), tuple(notes))


def _parse(stdout: str, stderr: str, junit: bytes | None, notes: list[str]) -> tuple[Format, dict[str, Status]]:
    if junit is not None:
        try:
            return "junit", parse_junit(junit)
        except MalformedReport as problem:
            notes.append(f"The test report could not be read ({problem}); the output was read instead.")
    both = f"{stderr}\n{stdout}"
    candidates: tuple[tuple[Format, dict[str, Status]], ...] = (
        ("pytest", parse_pytest_text(stdout)),
        ("unittest", parse_unittest(stderr) if "\nRan " in f"\n{stderr}" else {}),
        ("go_json", parse_go_json(stdout) if '"Action"' in stdout else {}),
        ("cargo", parse_cargo(both) if "\ntest result: " in stdout else {}),
        ("tap", parse_tap(stdout) if "TAP version" in stdout else {}),
        ("go", parse_go_text(stdout)),
        ("jest", parse_jest(both)),
    )
    return next(((form, tests) for form, tests in candidates if tests), ("command", {}))


_EMPTY_SIGNS = (
    "no tests ran",
    "collected 0 items",
    "Ran 0 tests",
    "NO TESTS RAN",
    "no test files",
    "No tests found",
    "No test files found",
)


def _nothing_ran(exit_code: int, output: str) -> bool:
    """Whether a runner's own words say that it ran nothing. pytest and unittest (3.12 and later) end with 5 then."""
    if exit_code == 5 and any(sign in output for sign in _EMPTY_SIGNS[:4]):
        return True
    if "running 0 tests" in output and not any(f"\nrunning {digit}" in output for digit in "123456789"):
        return True
    return any(sign in output for sign in _EMPTY_SIGNS)
