"""Proofs of small real repositories in real boxes, of both local backends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proofs import CommandRun, Proof, ProofPlan, Reproduction, Side, prove, render_markdown, run_plain
from sandboxes import Box, SandboxUnavailable
from tests.proofs.conftest import Prover, tree

UNITTEST = "python3 -m unittest discover -v -s tests"
BROKEN = "def add(a, b):\n    return a - b\n\n\ndef neg(a):\n    return -a\n"
MENDED = BROKEN.replace("a - b", "a + b")
SUITE = """import unittest
import sys; sys.path.insert(0, ".")
import calc


class Calc(unittest.TestCase):
    def test_neg(self):
        self.assertEqual(calc.neg(1), -1)

    def test_add(self):
        "Adding adds."
        self.assertEqual(calc.add(2, 3), 5)

    @unittest.skip("later")
    def test_later(self):
        pass
"""
BASE = {"calc.py": BROKEN, "tests/test_calc.py": SUITE}
NEG_ONLY = SUITE.replace("    def test_add", "    def helper_add")
REPRO = "import calc\nassert calc.add(2, 3) == 5\n"


def test_a_mended_fault_with_its_reproduction(proved: Prover) -> None:
    base = {"calc.py": BROKEN, "tests/test_calc.py": NEG_ONLY}
    head = {"calc.py": MENDED, "tests/test_calc.py": SUITE, "repro/check.py": REPRO}
    plan = ProofPlan(
        (UNITTEST,), Reproduction("PYTHONPATH=. python3 repro/check.py", ("repro/check.py",)), timeout_s=60
    )
    proof = proved(base, head, plan)
    assert proof.verdict == "proven", proof
    assert proof.reproduction is not None
    assert proof.reproduction.before.exit_code == 1
    assert "AssertionError" in proof.reproduction.before.tail
    assert proof.reproduction.after.exit_code == 0
    assert proof.kept == ("test_calc.Calc.test_neg",)
    assert proof.new == {"test_calc.Calc.test_add": "passed"}
    assert proof.touched["tests"] == ("tests/test_calc.py",)
    assert proof.touched["product"] == ("calc.py", "repro/check.py")
    assert {run.side for run in proof.commands} == {"base", "head"}
    assert proof.isolation in ("bubblewrap", "none")
    assert ("without isolation" in render_markdown(proof)) == (proof.isolation == "none")
    assert Proof.from_json(proof.to_json()) == proof


def test_a_test_that_failed_on_base_is_proof_enough(proved: Prover) -> None:
    proof = proved(BASE, {**BASE, "calc.py": MENDED}, ProofPlan((UNITTEST,), timeout_s=60))
    assert proof.verdict == "proven"
    assert proof.fixed == ("test_calc.Calc.test_add",)
    assert proof.counts["kept"] == 1


def test_pytest_is_read_from_its_report(proved: Prover, box_pytest: str) -> None:
    suite = (
        "import calc, pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_neg(n):\n    assert calc.neg(n) == -n\n"
        "def test_add():\n    assert calc.add(1, 1) == 2\n"
    )
    base = {"calc.py": BROKEN, "conftest.py": "", "test_calc.py": suite}
    proof = proved(base, {**base, "calc.py": MENDED}, ProofPlan((box_pytest,), timeout_s=90))
    assert proof.verdict == "proven", proof
    assert proof.fixed == ("test_calc::test_add",)
    assert proof.kept == ("test_calc::test_neg[1]", "test_calc::test_neg[2]")
    assert {run.format for run in proof.commands} == {"junit"}


def test_breaking_another_test_is_a_regression(proved: Prover) -> None:
    head = {**BASE, "calc.py": MENDED.replace("-a", "a")}
    proof = proved(BASE, head, ProofPlan((UNITTEST,), timeout_s=60))
    assert proof.verdict == "regressed"
    assert proof.broken == ("test_calc.Calc.test_neg",)
    assert [run.side for run in proof.commands] == ["base", "head", "head again"]


@pytest.mark.parametrize(
    "suite",
    [
        NEG_ONLY,
        SUITE.replace(
            '    def test_add(self):\n        "Adding',
            '    @unittest.skip("x")\n    def test_add(self):\n        "Adding',
        ),
        SUITE.replace('        "Adding adds."', "        import os; os._exit(0)"),
    ],
)
def test_getting_rid_of_tests_is_a_regression(proved: Prover, suite: str) -> None:
    passing = {"calc.py": MENDED, "tests/test_calc.py": SUITE}
    proof = proved(passing, {**passing, "tests/test_calc.py": suite}, ProofPlan((UNITTEST,), timeout_s=60))
    assert proof.verdict == "regressed", proof


def test_a_changed_expectation_is_no_proof(proved: Prover) -> None:
    head = {**BASE, "tests/test_calc.py": SUITE.replace("calc.add(2, 3), 5", "calc.add(2, 3), -1")}
    proof = proved(BASE, head, ProofPlan((UNITTEST,), timeout_s=60))
    assert proof.verdict == "unproven"
    assert "changed existing test files" in proof.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [("pass\n", "already passes on base"), ("import calc\nassert calc.add(1, 1) == 3\n", "still fails on head")],
)
def test_a_reproduction_that_shows_nothing(proved: Prover, script: str, reason: str) -> None:
    head = {"calc.py": MENDED, "tests/test_calc.py": NEG_ONLY, "repro.py": script}
    base = {"calc.py": BROKEN, "tests/test_calc.py": NEG_ONLY}
    proof = proved(base, head, ProofPlan((UNITTEST,), Reproduction("python3 repro.py", ("repro.py",)), timeout_s=60))
    assert proof.verdict == "unproven"
    assert reason in proof.reason


@pytest.mark.parametrize("backend", ["plain"], indirect=True)  # boxes with walls keep no state between two runs
def test_a_flaky_test_is_shown_and_not_blamed(proved: Prover, tmp_path: Path) -> None:
    """The test fails the second time it is run, whoever runs it: on head's first run."""
    marker = tmp_path / "runs"
    flaky = (
        "import unittest, pathlib\nclass T(unittest.TestCase):\n    def test_now_and_then(self):\n"
        f"        p = pathlib.Path({str(marker)!r})\n"
        "        n = len(p.read_text()) if p.exists() else 0\n        p.write_text('x' * (n + 1))\n"
        "        self.assertNotEqual(n, 1)\n"
    )
    base = {"tests/test_flaky.py": flaky, "a": "1"}
    proof = proved(base, {**base, "a": "2"}, ProofPlan((UNITTEST,), timeout_s=60))
    assert [(one.test, one.first, one.second) for one in proof.flaky] == [
        ("test_flaky.T.test_now_and_then", "failed", "passed")
    ]
    assert proof.broken == ()
    assert proof.verdict == "unproven"


def test_no_tests_at_all(proved: Prover) -> None:
    plan = ProofPlan(("python3 -m unittest discover -v",), timeout_s=60)
    assert proved({"a": "1"}, {"a": "2"}, plan).verdict == "no_tests"
    proof = proved({"a": "1"}, {"a": "2"}, ProofPlan(()))
    assert (proof.verdict, proof.commands) == ("no_tests", ())


def test_a_reproduction_alone_can_prove(proved: Prover) -> None:
    plan = ProofPlan((), Reproduction("grep -q 2 a"), timeout_s=30)
    proof = proved({"a": "1"}, {"a": "2"}, plan)
    assert proof.verdict == "proven"
    assert "no other passing test" in proof.reason


def test_infrastructure_is_told_apart_from_tests(proved: Prover) -> None:
    files = {"a": "1"}, {"a": "2"}
    missing = proved(*files, ProofPlan(("no-such-runner --all",), timeout_s=30))
    assert (missing.verdict, missing.commands[0].outcome) == ("could_not_run", "not_found")
    module = proved(*files, ProofPlan(("python3 -S -m pytest",), timeout_s=30))
    assert (module.verdict, module.commands[0].outcome) == ("could_not_run", "not_found")
    slow = proved(*files, ProofPlan(("sleep 30",), timeout_s=0.3))
    assert (slow.verdict, slow.commands[0].outcome, slow.commands[0].exit_code) == ("could_not_run", "timed_out", None)
    failing = proved(
        *files,
        ProofPlan(("true",), timeout_s=30),
        lambda box, side: [run_plain(box, side, "echo no network >&2; false", 30)],
    )
    assert failing.verdict == "could_not_run"
    assert "set-up" in failing.reason
    assert "no network" in failing.commands[0].tail


def test_each_side_is_set_up_before_its_tests(proved: Prover) -> None:
    sides: list[str] = []

    def set_up(box: Box, side: Side) -> list[CommandRun]:
        sides.append(side)
        return [run_plain(box, side, "cp a built", 30)]

    proof = proved({"a": "1"}, {"a": "2"}, ProofPlan((), Reproduction("grep -q 2 built"), timeout_s=30), set_up)
    assert proof.verdict == "proven"
    assert sides == ["base", "head"]
    assert [run.command for run in proof.commands] == ["cp a built"] * 2


@pytest.mark.parametrize("backend", ["bubblewrap"], indirect=True)  # a plain process has no memory limit
def test_memory_is_told_apart_from_tests(proved: Prover) -> None:
    eat = "python3 -c 'x = []\nwhile True: x.append(bytearray(1 << 24))'"
    proof = proved({"a": "1"}, {"a": "2"}, ProofPlan((eat,), timeout_s=60))
    assert proof.verdict == "could_not_run"
    assert proof.commands[0].outcome == "out_of_memory"


def test_a_hang_on_base_can_be_the_fault(proved: Prover) -> None:
    plan = ProofPlan((), Reproduction("python3 run.py"), timeout_s=2)
    proof = proved({"run.py": "while True: pass\n"}, {"run.py": "pass\n"}, plan)
    assert proof.verdict == "proven"
    assert proof.reproduction is not None
    assert proof.reproduction.before.outcome == "timed_out"


def test_a_command_known_by_its_status_only(proved: Prover) -> None:
    base = {"check.sh": "test -e good\n"}
    proof = proved(base, {**base, "good": ""}, ProofPlan(("sh check.sh",), timeout_s=30))
    assert proof.verdict == "proven"
    assert proof.fixed == ("$ sh check.sh",)


def test_two_commands_keep_their_tests_apart(proved: Prover) -> None:
    base = {"a": "1"}
    proof = proved(base, {"a": "2"}, ProofPlan(("true", "grep -q 1 a"), timeout_s=30))
    assert proof.kept == ("1: $ true",)
    assert proof.broken == ("2: $ grep -q 1 a",)


def test_the_agents_box_has_no_say(proved: Prover) -> None:
    """Files that are not in the commits are in no box: what a suite leaves on base cannot help it on head."""
    suite = (
        "import unittest, pathlib\nclass T(unittest.TestCase):\n    def test_clean(self):\n"
        "        p = pathlib.Path('leftover')\n        self.assertFalse(p.exists())\n        p.write_text('x')\n"
    )
    base = {"tests/test_clean.py": suite, "a": "1"}
    proof = proved(base, {**base, "a": "2"}, ProofPlan((UNITTEST,), timeout_s=60))
    assert proof.kept == ("test_clean.T.test_clean",)


def test_a_reproduction_file_that_head_lacks(proved: Prover) -> None:
    plan = ProofPlan((), Reproduction("python3 gone.py", ("gone.py",)), timeout_s=30)
    proof = proved({"a": "1"}, {"a": "2"}, plan)
    assert proof.verdict == "could_not_run"
    assert "gone.py" in proof.reason


def test_a_box_that_cannot_be_made_or_is_lost(make_box: Callable[[str], Box]) -> None:
    def refused(label: str) -> Box:
        raise SandboxUnavailable("no box", "none to be had", "Install one")

    plan = ProofPlan(("true",), timeout_s=30)
    args = (tree({"a": "1"}), tree({"a": "2"}), plan)
    proof = prove(refused, *args, base_sha="b", head_sha="h", changed={})
    assert (proof.verdict, proof.isolation) == ("could_not_run", "not used")

    def lost(label: str) -> Box:
        box = make_box(label)
        if label == "head":
            box.close()
        return box

    gone = prove(lost, *args, base_sha="b", head_sha="h", changed={})
    assert gone.verdict == "could_not_run"
    assert "head" in gone.reason
