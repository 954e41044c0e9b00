"""Which kernels of a pull request are verified and whose word counts; where people are pointed; what is concluded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.kernel_entries import KernelEntry, Kernels
from codebase.repository_settings import Problem
from codebase.source import Evidence
from forges.github import RateLimited
from kernels.verdicts import PASSED, Verdict
from store.schema import KernelCheck
from tests.workers.kernel_ground import BROKEN, CACHED, HONEST
from workers.kernel_checks.annotating import annotate, answering_line
from workers.kernel_checks.plan import Plan, plan
from workers.kernel_checks.telling import concluded
from workers.kernel_checks.trouble import LONGEST_S, MOST, again_after

SUM = KernelEntry("sum", "sum_ref.py", "sum.py")
GELU = KernelEntry("gelu", "gelu_ref.py", "gelu.py", line=7)
STRICTER = KernelEntry("sum", "sum_ref.py", "sum.py", tolerance=(("ratio", 2.0),))
NONE = Kernels(".forgehand.yml")
FORWARD = "class ModelNew:\n    def forward(self, x):\n"
BOTH = Kernels(".forgehand.yml", (SUM, GELU))
WRONG = Kernels(".forgehand.yml", problems=(Problem("error", Evidence(".forgehand.yml", 3), "nonsense"),))


def of(*entries: KernelEntry) -> Kernels:
    return Kernels(".forgehand.yml", entries)


def names(found: Plan) -> list[tuple[str, str, bool]]:
    return [(one.entry.name, one.at, one.unread is not None) for one in found.checks]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["README.md"], []),
        (["sum.py"], [("sum", "base", False)]),
        (["sum.py", "gelu.py"], [("gelu", "base", False), ("sum", "base", False)]),
        (["sum_ref.py"], [("sum", "head", True)]),
        (["sum.py", "sum_ref.py"], [("sum", "head", True)]),
        (["dir/sum.py"], []),
    ],
)
def test_what_is_touched_is_verified(changed: list[str], expected: list[tuple[str, str, bool]]) -> None:
    assert names(plan(BOTH, BOTH, BOTH, changed)) == expected


@pytest.mark.parametrize(
    ("base", "before", "head", "expected"),
    [
        (NONE, NONE, of(SUM), [("sum", "head", True)]),
        (of(SUM), of(SUM), of(STRICTER), [("sum", "head", True)]),
        (of(STRICTER), of(SUM), of(SUM), [("sum", "base", False)]),
        (of(STRICTER), of(SUM), of(STRICTER), [("sum", "base", False)]),
        (of(SUM), of(SUM), NONE, [("sum", "base", False)]),
        (NONE, of(SUM), of(SUM), []),
        (of(SUM), NONE, of(SUM), [("sum", "base", False)]),
        (of(SUM), NONE, NONE, [("sum", "base", False)]),
        (Kernels(), Kernels(), of(SUM), [("sum", "head", True)]),
    ],
    ids=[
        "a new entry",
        "a changed entry",
        "the base went on",
        "both made the same change",
        "the pull request takes the entry out",
        "the base took it out",
        "the base has it now and so has the head",
        "the base has it now",
        "the pull request brings the file",
    ],
)
def test_the_base_branch_says_what_is_right(
    base: Kernels, before: Kernels, head: Kernels, expected: list[tuple[str, str, bool]]
) -> None:
    assert names(plan(base, before, head, ["sum.py"])) == expected


def test_a_changed_entry_is_verified_though_its_files_are_not_touched() -> None:
    (one,) = plan(of(SUM, GELU), of(SUM, GELU), of(STRICTER, GELU), [".forgehand.yml"]).checks
    assert one.entry == STRICTER
    assert one.unread == "The entry sum is changed by this pull request."


def test_what_is_asked_for_is_verified_touched_or_not() -> None:
    found = plan(BOTH, BOTH, BOTH, [], ["sum", "relu", "atan"])
    assert names(found) == [("sum", "base", False)]
    assert found.unknown == ("atan", "relu")


def test_whose_settings_are_wrong() -> None:
    broken = plan(BOTH, BOTH, WRONG, ["sum.py"])
    assert (broken.problem, broken.of) == (WRONG.problems[0], "head")
    assert names(broken) == [("sum", "base", False)], "the base's word counts all the same"
    still = plan(WRONG, WRONG, WRONG, ["sum.py"])
    assert (still.problem, still.checks) == (WRONG.problems[0], ())
    before_it_broke = plan(WRONG, BOTH, BOTH, ["sum.py"])
    assert (before_it_broke.problem, before_it_broke.of) == (WRONG.problems[0], "base")
    mended = plan(WRONG, WRONG, of(SUM), ["sum.py"])
    assert mended.problem is None
    assert names(mended) == [("sum", "head", True)]


sections = st.lists(st.sampled_from([SUM, STRICTER, GELU]), max_size=2, unique_by=lambda one: one.name).map(
    lambda entries: of(*entries)
)


@given(sections, sections, sections, st.sets(st.sampled_from(["sum.py", "sum_ref.py", "gelu.py", ".forgehand.yml"])))
def test_nothing_of_the_head_is_believed_unread(
    base: Kernels, before: Kernels, head: Kernels, changed: set[str]
) -> None:
    for one in plan(base, before, head, changed).checks:
        if one.unread is None:
            assert one.at == "base"
            assert one.entry == base.named(one.entry.name)
            assert one.entry.reference not in changed
        else:
            assert one.at == "head"


# Annotations


def report(**changes: Any) -> dict[str, Any]:
    return {"verdict": "faster", "wrong": None, "line": None, "reasons": ["it is"], "findings": []} | changes


def test_a_passed_kernel_has_findings_and_no_verdict_in_its_lines() -> None:
    findings = [
        {"rule": "unusual_import", "tier": "telemetry", "evidence": "imports gc", "line": 2},
        {"rule": "threads_left", "tier": "support", "evidence": "2 threads", "line": None},
    ]
    (one,) = annotate(report(findings=findings), "k.py", HONEST.encode())
    assert (one.path, one.start_line, one.end_line, one.level, one.message) == ("k.py", 2, 2, "notice", "imports gc")


def test_a_wrong_one_has_its_verdict_where_it_answers() -> None:
    (one,) = annotate(report(verdict="incorrect", wrong="stale"), "k.py", CACHED.encode())
    assert CACHED.splitlines()[one.start_line - 1].strip() == "return self.known"
    assert (one.level, one.title, one.message) == ("failure", "incorrect (stale)", "it is")
    (given,) = annotate(report(verdict="incorrect", line=3), "k.py", CACHED.encode())
    assert given.start_line == 3


@pytest.mark.parametrize(
    ("verdict", "level"), [("needs_review", "warning"), ("needs_gpu", "warning"), ("reward_hack", "failure")]
)
def test_how_loud_a_verdict_is(verdict: str, level: str) -> None:
    (one,) = annotate(report(verdict=verdict), "k.py", HONEST.encode())
    assert one.level == level


@pytest.mark.parametrize("verdict", ["infra_error", "invalid_task"])
def test_what_is_no_fault_of_the_candidate_stands_at_none_of_its_lines(verdict: str) -> None:
    assert annotate(report(verdict=verdict), "k.py", HONEST.encode()) == ()


def test_lines_are_the_files_and_no_more_than_one_request_takes() -> None:
    findings = [{"rule": "r", "tier": "hard", "evidence": "x" * 5000, "line": line} for line in range(1, 80)]
    found = annotate(report(verdict="incorrect", line=10**6, findings=findings), "k.py", b"a\nb\n")
    assert len(found) == 50
    assert {one.start_line for one in found} == {1, 2}
    assert max(len(one.message) for one in found) == 1000
    assert annotate(report(verdict="incorrect", line=5), "k.py", b"")[0].start_line == 1


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (HONEST, 5),
        (CACHED, 12),
        (BROKEN, 1),
        ("x = 1\n", 1),
        ("class ModelNew:\n    pass\n", 1),
        (f"k = {{}}\n\n{FORWARD}        k[1] = x\n        y = k[1]\n        return k[1]\n", 7),
        (f"k = None\n{FORWARD}        global k\n        k = x\n        return k + 1\n", 6),
        (f"{FORWARD}        self.calls += 1\n        return x\n", 2),
        ("\0", 1),
    ],
)
def test_the_line_that_answers(source: str, line: int) -> None:
    assert answering_line(source.encode()) == line


@given(st.binary(max_size=200))
def test_any_bytes_have_a_line(source: bytes) -> None:
    assert answering_line(source) >= 1


# Conclusions and waits


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_is_green_for_a_reference_nobody_read(verdict: Verdict) -> None:
    for claims in (None, "faster", "right"):
        free, unread = concluded(_row(claims), verdict), concluded(_row(claims, unread="it is new"), verdict)
        assert unread == ("failure" if free == "failure" else "action_required")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_kernel_that_claims_to_be_right_need_not_be_faster(verdict: Verdict) -> None:
    assert (concluded(_row("right"), verdict) == "success") == (verdict in PASSED)
    assert (concluded(_row(None), verdict) == "success") == (verdict is Verdict.faster)


@pytest.mark.parametrize("claims", [None, "faster", "right"])
def test_no_candidate_passes_a_required_check_unverified(claims: str | None) -> None:
    """As one does whose check is neutral."""
    passes = {verdict for verdict in Verdict if concluded(_row(claims), verdict) in ("success", "neutral")}
    assert passes - PASSED == {Verdict.invalid_task}
    assert concluded(_row(claims, device="cuda"), Verdict.needs_gpu) == "neutral", "that it needs one was said before"
    assert concluded(_row(claims, device="cuda"), Verdict.infra_error) == "action_required"
    failed_before = _row(claims, device="cuda", tries=1)
    assert concluded(failed_before, Verdict.needs_gpu) == "action_required", (
        "another worker's having none is no way out"
    )


def _row(claims: str | None, *, unread: str | None = None, device: str = "cpu", tries: int = 0) -> KernelCheck:
    entry = {} if claims is None else {"claims": claims}
    return KernelCheck(entry=entry, unread=unread, device=device, tries=tries)


def test_a_forge_is_waited_for_longer_each_time_and_not_for_ever() -> None:
    waits = [again_after(number, OSError(), now=0) for number in range(MOST)]
    assert waits[:3] == [5.0, 10.0, 20.0]
    assert max(one or 0 for one in waits) == LONGEST_S
    assert again_after(MOST, OSError(), now=0) is None
    assert again_after(0, RateLimited("x", 2000.0), now=1000.0) == 1000.0
