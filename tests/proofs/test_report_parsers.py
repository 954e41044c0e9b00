"""Test output of many runners, read into results. Node's is made here when node is installed; others are samples."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.other_output import parse_cargo, parse_go_json, parse_go_text, parse_jest, parse_tap
from proofs.python_output import MalformedReport, parse_junit, parse_pytest_text, parse_unittest
from proofs.report import read_report
from proofs.results import collect, one_line_name, printable

JUNIT = b"""<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1">
<testcase classname="tests.test_a.TestA" name="test_one[x]" time="0.0" />
<testcase classname="tests.test_a" name="test_two"><failure message="assert 1 == 2">trace</failure></testcase>
<testcase classname="tests.test_a" name="test_three"><skipped type="pytest.skip" message="later" /></testcase>
<testcase classname="" name="tests.test_broken"><error message="collection failure">ImportError</error></testcase>
<testcase classname="tests.test_a" name="twice" /><testcase classname="tests.test_a" name="twice"><error /></testcase>
</testsuite></testsuites>"""


def test_junit() -> None:
    assert parse_junit(JUNIT) == {
        "tests.test_a.TestA::test_one[x]": "passed",
        "tests.test_a::test_two": "failed",
        "tests.test_a::test_three": "skipped",
        "tests.test_broken": "error",
        "tests.test_a::twice": "error",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        b"<html></html>",
        JUNIT[:200],
        b'<!DOCTYPE x [<!ENTITY a "b">]><testsuites><testcase name="&a;"/></testsuites>',
        "<testsuites/>".encode("utf-16"),
    ],
)
def test_junit_files_that_are_none(content: bytes) -> None:
    with pytest.raises(MalformedReport):
        parse_junit(content)


def test_pytest_text() -> None:
    text = (
        "PASSED not/in/summary.py::x\n"
        "=========================== short test summary info ============================\n"
        "PASSED tests/test_a.py::TestA::test_one\n"
        "PASSED tests/test_a.py::test_p[a - b]\n"
        "SKIPPED [1] tests/test_a.py:7: later\n"
        "XFAIL tests/test_a.py::test_x - known\n"
        "FAILED tests/test_a.py::test_two - AssertionError: assert 1 == 2\n"
        "ERROR tests/test_b.py - ImportError: no\n"
        "1 failed, 2 passed in 0.1s\n"
    )
    assert parse_pytest_text(text) == {
        "tests/test_a.py::TestA::test_one": "passed",
        "tests/test_a.py::test_p[a - b]": "passed",
        "[1] tests/test_a.py:7: later": "skipped",
        "tests/test_a.py::test_x": "skipped",
        "tests/test_a.py::test_two": "failed",
        "tests/test_b.py": "error",
    }


UNITTEST = """test_ok (tests.test_a.A.test_ok) ... ok
test_old (tests.test_a.A) ... ok
test_doc (tests.test_a.A.test_doc)
What it is about. ... ok
test_noise (tests.test_a.A.test_noise) ... something printed
and more
ok
test_skip (tests.test_a.A.test_skip) ... skipped 'later'
test_known (tests.test_a.A.test_known) ... expected failure
test_surprise (tests.test_a.A.test_surprise) ... unexpected success
test_fail (tests.test_a.A.test_fail) ... FAIL
test_err (tests.test_a.A.test_err) ... ERROR
setUpClass (tests.test_a.B) ... ERROR
tests.test_broken (unittest.loader._FailedTest.tests.test_broken) ... ERROR

======================================================================
ERROR: test_late (tests.test_a.A.test_late)
----------------------------------------------------------------------
Traceback (most recent call last):
ok

Ran 11 tests in 0.001s

FAILED (failures=1, errors=3, skipped=1, expected failures=1, unexpected successes=1)
"""


def test_unittest() -> None:
    assert parse_unittest(UNITTEST) == {
        "tests.test_a.A.test_ok": "passed",
        "tests.test_a.A.test_old": "passed",
        "tests.test_a.A.test_doc": "passed",
        "tests.test_a.A.test_noise": "passed",
        "tests.test_a.A.test_skip": "skipped",
        "tests.test_a.A.test_known": "skipped",
        "tests.test_a.A.test_surprise": "failed",
        "tests.test_a.A.test_fail": "failed",
        "tests.test_a.A.test_err": "error",
        "tests.test_a.B.setUpClass": "error",
        "unittest.loader._FailedTest.tests.test_broken": "error",
        "tests.test_a.A.test_late": "error",
    }


def test_go() -> None:
    events = [
        {"Action": "run", "Package": "m/p", "Test": "TestA"},
        {"Action": "pass", "Package": "m/p", "Test": "TestA"},
        {"Action": "fail", "Package": "m/p", "Test": "TestB/sub"},
        {"Action": "skip", "Package": "m/p", "Test": "TestC"},
        {"Action": "fail", "Package": "m/p"},
        {"Action": "fail", "Package": "m/does-not-compile"},
    ]
    text = "# noise\n" + "\n".join(json.dumps(event) for event in events) + "\n{broken\n"
    assert parse_go_json(text) == {
        "m/p::TestA": "passed",
        "m/p::TestB/sub": "failed",
        "m/p::TestC": "skipped",
        "m/does-not-compile": "error",
    }
    verbose = (
        "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- FAIL: TestB/sub (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\n"
        "FAIL\tm/p\t0.004s\nok  \tm/q\t0.002s\n?   \tm/none\t[no test files]\nFAIL\tm/r [build failed]\n"
    )
    assert parse_go_text(verbose) == {
        "m/p::TestA": "passed",
        "m/p::TestB/sub": "failed",
        "m/p::TestB": "failed",
        "m/q": "passed",
        "m/r": "error",
    }


def test_cargo() -> None:
    text = (
        "     Running unittests src/lib.rs (target/debug/deps/x-1)\nrunning 3 tests\ntest tests::adds ... ok\n"
        "test tests::panics - should panic ... ok\ntest tests::fails ... FAILED\ntest tests::slow ... ignored\n"
        "test result: FAILED. 2 passed\n   Doc-tests x\ntest src/lib.rs - add (line 3) ... ok\n"
    )
    assert parse_cargo(text) == {
        "src/lib.rs::tests::adds": "passed",
        "src/lib.rs::tests::panics": "passed",
        "src/lib.rs::tests::fails": "failed",
        "src/lib.rs::tests::slow": "skipped",
        "doc x::src/lib.rs - add (line 3)": "passed",
    }


def test_jest_and_vitest() -> None:
    jest = (
        "PASS src/a.test.js\n  adding\n    \u2713 adds (3 ms)\n    deep\n      \u2715 carries\n  \u25cb later\n\n"
        "FAIL src/b.test.ts\n  \u2713 works\n"
    )
    assert parse_jest(jest) == {
        "src/a.test.js > adding > adds": "passed",
        "src/a.test.js > adding > deep > carries": "failed",
        "src/a.test.js > later": "skipped",
        "src/b.test.ts > works": "passed",
    }
    vitest = " \u2713 src/a.test.ts > adding > adds 2ms\n \u00d7 src/a.test.ts > adding > carries 1ms\n"
    assert parse_jest(vitest) == {
        "src/a.test.ts > adding > adds": "passed",
        "src/a.test.ts > adding > carries": "failed",
    }


def test_tap_of_real_node(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    (tmp_path / "a.test.mjs").write_text(
        "import {test, describe, it} from 'node:test'; import assert from 'node:assert';\n"
        "test('plain', () => {});\ntest('bad', () => assert.equal(1, 2));\ntest('later', {skip: true}, () => {});\n"
        "describe('suite', () => { it('inner', () => {}); it('inner bad', () => assert(false)); });\n"
    )
    done = subprocess.run([node, "--test", "--test-reporter=tap"], cwd=tmp_path, capture_output=True, check=False)
    results = {name.split(" > ", 1)[-1] if ".mjs" in name else name: status
               for name, status in parse_tap(done.stdout.decode()).items()}  # fmt: skip
    assert results == {
        "plain": "passed",
        "bad": "failed",
        "later": "skipped",
        "suite > inner": "passed",
        "suite > inner bad": "failed",
    }


def test_names_are_bounded_and_distinct() -> None:
    long_one, long_other = one_line_name("x" * 1000 + "a"), one_line_name("x" * 1000 + "b")
    assert len(long_one) <= 300
    assert long_one != long_other
    assert one_line_name("a\nb\x1b[31mc\x00") == "a bc"
    assert one_line_name("") == "(no name)"
    assert collect([("a", "passed"), ("a", "failed"), ("a", "skipped")]) == {"a": "failed"}


@given(st.text(max_size=300))
def test_no_parser_falls_over(text: str) -> None:
    for parse in (parse_pytest_text, parse_unittest, parse_go_json, parse_go_text, parse_cargo, parse_tap, parse_jest):
        assert isinstance(parse(printable(text)), dict)


@given(st.text(max_size=100))
def test_what_is_printable_can_be_stored(text: str) -> None:
    clean = printable(text)
    clean.encode("utf-8")
    assert "\x1b" not in clean
    assert "\x00" not in clean


@pytest.mark.parametrize(
    ("exit_code", "stdout", "stderr", "form", "ran", "failing", "note"),
    [
        (0, "", UNITTEST.split("test_fail")[0] + "\nRan 8 tests", "unittest", True, 1, "status 0 although"),
        (1, "", "test_a (m.A.test_a) ... ok\n\nRan 1 test in 0s", "unittest", True, 1, "although no test failed"),
        (1, "", "test_a (m.A.test_a) ... FAIL\n\nRan 1 test in 0s", "unittest", True, 1, None),
        (0, "", "\nRan 0 tests in 0.000s\n\nOK", "command", False, 0, "ran no tests"),
        (5, "collected 0 items\n", "", "command", False, 0, "ran no tests"),
        (0, "all good", "", "command", True, 0, "Only the exit status"),
        (3, "bad", "", "command", True, 1, "Only the exit status"),
    ],
)
def test_report_and_status_must_agree(
    exit_code: int, stdout: str, stderr: str, form: str, ran: bool, failing: int, note: str | None
) -> None:
    report = read_report("run tests", exit_code, stdout, stderr, junit=None, truncated=False)
    assert report.format == form
    assert report.ran_tests is ran
    assert sum(status in ("failed", "error") for status in report.tests.values()) == failing
    assert any(note in line for line in report.notes) if note else report.notes == ()


def test_an_empty_or_broken_junit_report_is_never_a_pass() -> None:
    empty = read_report("pytest", 0, "", "", junit=b"<testsuites><testsuite/></testsuites>", truncated=False)
    assert (empty.ran_tests, empty.tests) == (False, {})
    broken = read_report("pytest", 0, "", "", junit=b"<tests", truncated=False)
    assert broken.format == "command"
    assert "could not be read" in broken.notes[0]
