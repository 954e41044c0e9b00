"""Results of pytest (JUnit XML or text) and unittest, read from their output. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from proofs.results import Status, collect


class MalformedReport(ValueError):
    """A JUnit file that is no such thing, or one that tries tricks."""


def parse_junit(content: bytes) -> dict[str, Status]:
    """Results in a JUnit XML file: ``classname::name`` to status. Raises MalformedReport.

    A document type declaration is refused, so that no entity of it is ever expanded. Source of the form: pytest's
    ``--junitxml`` (xunit2); others write the same elements.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise MalformedReport("the report carries a document type declaration or is no UTF-8 text")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  # no declaration, so no entity: refused above
    except ElementTree.ParseError as problem:
        raise MalformedReport(f"the report is not XML: {problem}") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise MalformedReport(f"the report's root is {root.tag[:40]!r}, not testsuites")
    return collect(_junit_cases(root))


def _junit_cases(root: ElementTree.Element) -> Iterator[tuple[str, Status]]:
    for case in root.iter("testcase"):
        place = case.get("classname") or case.get("file") or ""
        name = case.get("name") or ""
        children = {child.tag for child in case}
        status: Status = "passed"
        if "error" in children:
            status = "error"
        elif "failure" in children:
            status = "failed"
        elif "skipped" in children:
            status = "skipped"
        yield f"{place}::{name}" if place else name, status


_PYTEST_LINE = re.compile(r"(PASSED|FAILED|ERROR|XFAIL|XPASS|SKIPPED)\s+(\S.*)")
_PYTEST_STATUS: dict[str, Status] = {
    "PASSED": "passed",
    "XPASS": "passed",
    "FAILED": "failed",
    "ERROR": "error",
    "XFAIL": "skipped",
    "SKIPPED": "skipped",
}


def parse_pytest_text(text: str) -> dict[str, Status]:
    """Results in pytest's short test summary (``-rA``): node id to status. Only lines after its heading count."""
    _, heading, summary = text.rpartition("short test summary info")
    return collect(_pytest_lines(summary)) if heading else {}


def _pytest_lines(summary: str) -> Iterator[tuple[str, Status]]:
    for line in summary.splitlines():
        match = _PYTEST_LINE.match(line)
        if match:
            word, rest = match.groups()
            # "FAILED a.py::test_x - AssertionError": the reason follows " - ", outside of the brackets of parameters.
            name = re.match(r"[^\s\[]+(\[.*?\](?= - |$))?", rest) if word != "SKIPPED" else None
            yield name.group() if name else rest, _PYTEST_STATUS[word]


_UNITTEST_START = re.compile(r"(?P<method>[\w\[\]=<>.-]+) \((?P<place>[\w.<>]+)\)(?P<rest>.*)")
_UNITTEST_END = re.compile(
    r"(?:^|.*\.\.\. |.*?)(?P<word>ok|FAIL|ERROR|skipped(?: .*)?|expected failure|unexpected success)$"
)
_UNITTEST_HEAD = re.compile(r"(?P<word>ERROR|FAIL): (?P<method>[\w\[\]=<>.-]+) \((?P<place>[\w.<>]+)\)")
_UNITTEST_WORDS: dict[str, Status] = {
    "ok": "passed",
    "FAIL": "failed",
    "ERROR": "error",
    "skipped": "skipped",
    "expected failure": "skipped",
    "unexpected success": "failed",
}


def parse_unittest(text: str) -> dict[str, Status]:
    """Results in ``python -m unittest -v``'s standard error: dotted test name to status.

    Reads both the form of 3.11 and later, ``test_a (mod.Case.test_a) ... ok``, and the older ``test_a (mod.Case) ...
    ok``, also when a docstring or a program's own output stands between the name and the status.
    """
    return collect(_unittest_lines(text))


def _unittest_lines(text: str) -> Iterator[tuple[str, Status]]:
    pending: str | None = None
    for line in text.splitlines():
        head = _UNITTEST_HEAD.match(line)
        if head:
            pending = None
            yield _dotted(head), _UNITTEST_WORDS[head["word"]]
            continue
        start = _UNITTEST_START.match(line)
        if start:
            pending = _dotted(start)
        if pending is None:
            continue
        end = _UNITTEST_END.match(start["rest"] if start else line)
        if end and (start is None or " ... " in f"{start['rest']} "):
            word = "skipped" if end["word"].startswith("skipped") else end["word"]
            yield pending, _UNITTEST_WORDS[word]
            pending = None


def _dotted(match: re.Match[str]) -> str:
    method, place = match["method"], match["place"]
    return place if place.endswith(f".{method}") else f"{place}.{method}"
