"""Results of Go, Cargo, TAP (node --test), Jest and Vitest, read from their output. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from proofs.results import Status, collect

_GO_ACTIONS: dict[str, Status] = {"pass": "passed", "fail": "failed", "skip": "skipped"}


def parse_go_json(text: str) -> dict[str, Status]:
    """Results of ``go test -json`` (format: ``go doc test2json``): ``package::Test`` to status.

    A package that fails without a failing test (it did not compile) is one error under the package's name.
    """
    return collect(_go_events(text))


def _go_events(text: str) -> Iterator[tuple[str, Status]]:
    failing: set[str] = set()
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        action, package, test = event.get("Action"), str(event.get("Package", "")), event.get("Test")
        if action not in _GO_ACTIONS:
            continue
        if isinstance(test, str):
            if action == "fail":
                failing.add(package)
            yield f"{package}::{test}", _GO_ACTIONS[action]
        elif action == "fail" and package not in failing:
            yield package, "error"


_GO_TEST = re.compile(r"\s*--- (PASS|FAIL|SKIP): (\S+)")
_GO_PACKAGE = re.compile(r"(ok|FAIL|---|\?)\s+(\S+)\s+(?:\(cached\)|\[.*\]|[\d.]+s)")
_GO_WORDS: dict[str, Status] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}


def parse_go_text(text: str) -> dict[str, Status]:
    """Results of ``go test [-v]``. Without ``-v`` Go names failing tests only; a passing package is then one test."""
    return collect(_go_lines(text))


def _go_lines(text: str) -> Iterator[tuple[str, Status]]:
    tests: list[tuple[str, Status]] = []
    for line in text.splitlines():
        test = _GO_TEST.match(line)
        if test:
            tests.append((test.group(2), _GO_WORDS[test.group(1)]))
            continue
        package = _GO_PACKAGE.match(line)
        if not package or package.group(1) in ("---", "?"):
            continue
        name = package.group(2)
        yield from ((f"{name}::{test_name}", status) for test_name, status in tests)
        if package.group(1) == "ok" and not tests and "[no test" not in line:
            yield name, "passed"
        elif package.group(1) == "FAIL" and not any(status == "failed" for _, status in tests):
            yield name, "error"
        tests = []
    yield from tests


_CARGO_TARGET = re.compile(r"\s*(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))")
_CARGO_TEST = re.compile(r"test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)")
_CARGO_WORDS: dict[str, Status] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


def parse_cargo(text: str) -> dict[str, Status]:
    """Results of ``cargo test``: ``target::path::name`` to status. Targets are known when standard error comes first
    or in between; otherwise names stand alone."""
    return collect(_cargo_lines(text))


def _cargo_lines(text: str) -> Iterator[tuple[str, Status]]:
    target = ""
    for line in text.splitlines():
        heading = _CARGO_TARGET.match(line)
        if heading:
            target = heading.group(1) or f"doc {heading.group(2)}"
            continue
        test = _CARGO_TEST.match(line)
        if test:
            yield f"{target}::{test.group(1)}" if target else test.group(1), _CARGO_WORDS[test.group(2)]


_TAP = re.compile(r"(?P<indent> *)(?P<not>not )?ok \d+(?: - |\s+)?(?P<name>.*)")
_TAP_SUBTEST = re.compile(r"(?P<indent> *)# Subtest: (?P<name>.*)")


def parse_tap(text: str) -> dict[str, Status]:
    """Results in TAP (versions 13 and 14, as ``node --test`` writes it): nested names joined by `` > ``.

    A parent that only repeats its children's failure is left out. The protocol has two directives: a test point
    marked SKIP did not run, and one marked TODO is expected to fail, so both count as skipped.

    Source: https://testanything.org/tap-version-14-specification.html#directives
    """
    return collect(_tap_lines(text))


def _tap_lines(text: str) -> Iterator[tuple[str, Status]]:
    path: list[tuple[int, str]] = []
    parents: set[tuple[str, ...]] = set()
    for line in text.splitlines():
        subtest = _TAP_SUBTEST.match(line)
        if subtest:
            depth = len(subtest["indent"])
            path = [step for step in path if step[0] < depth] + [(depth, subtest["name"].strip())]
            continue
        point = _TAP.match(line)
        if not point:
            continue
        depth = len(point["indent"])
        name, _, directive = point["name"].partition(" # ")
        above = tuple(step for at, step in path if at < depth)
        here = (*above, name.strip())
        parents.update(here[:length] for length in range(1, len(here)))
        if here in parents:
            continue
        word = directive.strip().upper()
        status: Status = "failed" if point["not"] else "passed"
        if word.startswith(("SKIP", "TODO")):  # the protocol's two directives
            status = "skipped"
        yield " > ".join(here), status


_JEST_FILE = re.compile(r"\s*(?:PASS|FAIL)\s+(\S+\.[cm]?[jt]sx?)")
# Check marks, crosses, and what stands for skipped, in the several forms that terminals get.
_PASS, _FAIL, _SKIP = "\u2713\u221a\u2714", "\u2715\u00d7\u2717", "\u25cb\u2193\u276f"
_JEST_TEST = re.compile(rf"(?P<indent>\s+)(?P<mark>[{_PASS}{_FAIL}{_SKIP}]) (?P<name>.+?)(?:\s+\(?[\d.]+ ?m?s\)?)?$")
_VITEST_TEST = re.compile(
    rf"\s*(?P<mark>[{_PASS}{_FAIL}{_SKIP}]) (?P<name>\S+\.[cm]?[jt]sx? > .+?)(?:\s+[\d.]+ ?m?s)?$"
)


def _marked(mark: str) -> Status:
    if mark in _PASS:
        return "passed"
    return "failed" if mark in _FAIL else "skipped"


def parse_jest(text: str) -> dict[str, Status]:
    """Results of ``jest --verbose`` and of Vitest's verbose reporter: ``file > suite > name`` to status.

    Without the verbose form both name files only; the caller then has the exit status alone to go by.
    """
    return collect(_jest_lines(text))


def _jest_lines(text: str) -> Iterator[tuple[str, Status]]:
    file = ""
    suites: list[tuple[int, str]] = []
    for line in text.splitlines():
        vitest = _VITEST_TEST.match(line)
        if vitest:
            yield vitest["name"].strip(), _marked(vitest["mark"])
            continue
        heading = _JEST_FILE.match(line)
        if heading:
            file, suites = heading.group(1), []
            continue
        test = _JEST_TEST.match(line)
        indent = len(line) - len(line.lstrip())
        if test and file:
            above = [name for depth, name in suites if depth < indent]
            yield " > ".join((file, *above, test["name"])), _marked(test["mark"])
        elif file and line.startswith("  ") and line.strip() and not line.lstrip().startswith(("●", "at ", ">")):
            suites = [suite for suite in suites if suite[0] < indent] + [(indent, line.strip())]
        elif not line.strip():
            suites = []
