"""From results to a verdict, and from a verdict to what people read."""

from __future__ import annotations

import json
import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs import (
    CommandRun,
    Flaky,
    Outcome,
    Proof,
    ProofPlan,
    Reproduction,
    ReproductionResult,
    classify,
    render_markdown,
    render_summary,
)
from proofs.comparison import compare, judge
from proofs.evidence import Side
from proofs.execution import with_junit
from proofs.rendering import code, fenced, plain
from proofs.results import Status


def run(outcome: Outcome = "completed", exit_code: int | None = 0, side: Side = "base", tail: str = "") -> CommandRun:
    code = exit_code if outcome in ("completed", "not_found") else None
    return CommandRun(side, "make test", outcome, code, 1.0, "command", {}, tail)


def shown(before: CommandRun, after: CommandRun) -> ReproductionResult:
    return ReproductionResult("python3 repro.py", ("repro.py",), before, after)


FAILS, PASSES = run(exit_code=1), run(side="head")
GOOD = shown(FAILS, PASSES)
P, F, S, E = "passed", "failed", "skipped", "error"


@pytest.mark.parametrize(
    ("base", "head", "again", "reproduction", "changed", "verdict"),
    [
        ({"a": F, "b": P}, {"a": P, "b": P}, {}, None, [], "proven"),
        ({"a": E}, {"a": P}, {}, None, [], "proven"),
        ({"a": F}, {"a": P}, {}, None, ["tests/test_a.py"], "unproven"),
        ({"a": F}, {"a": P}, {}, GOOD, ["tests/test_a.py"], "proven"),
        ({"a": P}, {"a": P}, {}, None, [], "unproven"),
        ({"a": P}, {"a": P}, {}, GOOD, [], "proven"),
        ({"a": P}, {"a": F}, {}, GOOD, [], "regressed"),
        ({"a": P}, {"a": F}, {"a": F}, GOOD, [], "regressed"),
        ({"a": P}, {"a": F}, {"a": P}, GOOD, [], "proven"),
        ({"a": P}, {"a": F}, {}, None, [], "regressed"),
        ({"a": P, "b": P}, {"a": P}, {}, GOOD, [], "regressed"),
        ({"a": P, "b": P}, {"a": P, "c": P}, {}, GOOD, [], "proven"),
        ({"a": P}, {"a": S}, {}, GOOD, [], "regressed"),
        ({"a": F}, {"a": S}, {}, GOOD, [], "regressed"),
        ({"a": P}, {"a": P, "n": F}, {}, GOOD, [], "regressed"),
        ({"a": F}, {"a": F}, {}, GOOD, [], "proven"),
        ({"a": F}, {"a": F}, {}, None, [], "unproven"),
        ({"a": P}, {"a": P}, {}, shown(PASSES, PASSES), [], "unproven"),
        ({"a": P}, {"a": P}, {}, shown(FAILS, FAILS), [], "unproven"),
        ({"a": P}, {"a": P}, {}, shown(run("timed_out"), PASSES), [], "proven"),
        ({"a": P}, {"a": P}, {}, shown(FAILS, run("timed_out", side="head")), [], "unproven"),
        ({"a": P}, {"a": P}, {}, shown(run("not_found", 127), PASSES), [], "could_not_run"),
        ({"a": P}, {"a": P}, {}, shown(FAILS, run("out_of_memory", side="head")), [], "could_not_run"),
        ({}, {}, {}, None, [], "no_tests"),
        ({}, {}, {}, GOOD, [], "proven"),
    ],
)
def test_verdicts(
    base: dict[str, Status], head: dict[str, Status], again: dict[str, Status], reproduction: ReproductionResult | None,
    changed: list[str], verdict: str,
) -> None:  # fmt: skip
    seen = compare(base, head, again, ())
    found, reason = judge([run(), run(side="head")], seen, bool(base or head), reproduction, changed)
    assert found == verdict, reason
    assert reason.endswith((".", "repro.py", "make test"))


@pytest.mark.parametrize("outcome", ["timed_out", "out_of_memory", "not_found", "box_lost"])
@pytest.mark.parametrize("side", ["base", "head"])
def test_trouble_with_a_command_goes_before_everything(outcome: Outcome, side: Side) -> None:
    seen = compare({"a": "failed"}, {"a": "passed"}, {}, ())
    assert judge([run(), run(outcome, side=side)], seen, True, GOOD, [])[0] == "could_not_run"
    assert judge([run(), run(outcome, side="head again")], seen, True, GOOD, [])[0] == "proven"


_STATUS = st.sampled_from(cast("list[Status]", ["passed", "failed", "error", "skipped"]))
_RESULTS = st.dictionaries(st.sampled_from(list("abcdef")), _STATUS)


@given(_RESULTS, _RESULTS, _RESULTS)
def test_every_test_is_in_at_most_one_list(
    base: dict[str, Status], head: dict[str, Status], again: dict[str, Status]
) -> None:
    seen = compare(base, head, again, ())
    lists = [*seen.fixed, *seen.kept, *seen.broken, *seen.still_failing, *seen.new, *seen.vanished, *seen.newly_skipped,
             *(one.test for one in seen.flaky)]  # fmt: skip
    assert len(lists) == len(set(lists))
    assert set(lists) <= base.keys() | head.keys()
    missing = (base.keys() | head.keys()) - set(lists)
    assert all(base[test] == "skipped" for test in missing), "only what base skipped needs no list"


@given(_RESULTS, _RESULTS)
def test_proven_is_never_said_of_something_worse(base: dict[str, Status], head: dict[str, Status]) -> None:
    seen = compare(base, head, {}, ())
    verdict, _ = judge([run(), run(side="head")], seen, True, GOOD, [])
    if verdict == "proven":
        assert all(head.get(test) != "failed" for test, status in base.items() if status == "passed")
        assert sum(s != "skipped" for s in head.values()) >= sum(s != "skipped" for s in base.values())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/app.py", "product"),
        ("tests/test_app.py", "tests"),
        ("app/test_inner.py", "tests"),
        ("pkg/server_test.go", "tests"),
        ("src/a.spec.ts", "tests"),
        ("src/__tests__/helper.js", "tests"),
        ("FooTest.java", "tests"),
        ("conftest.py", "tests"),
        ("src/testimony.py", "product"),
        ("latest.py", "product"),
        (".github/workflows/ci.yml", "ci"),
        (".github/actions/x/action.yml", "ci"),
        ("Jenkinsfile", "ci"),
        (".forgehand.yml", "ci"),
        ("pyproject.toml", "config"),
        ("sub/package.json", "config"),
        ("requirements-dev.txt", "config"),
        ("jest.config.ts", "config"),
        ("sitecustomize.py", "config"),
        ("x/evil.pth", "config"),
        ("README.md", "docs"),
        ("docs/conf.py", "docs"),
        (".github/ISSUE_TEMPLATE/bug.md", "docs"),
    ],
)
def test_kinds_of_paths(path: str, kind: str) -> None:
    assert classify(path) == kind


@pytest.mark.parametrize(
    ("command", "instrumented"),
    [
        ("pytest", True),
        ("python3 -m pytest -q tests", True),
        ("cd sub && .venv/bin/pytest", True),
        ("A=1 uv run pytest -k 'a or b'", True),
        ("make test", False),
        ("pytest | tee log", False),
        ("pytest > log", False),
        ("pytest || true", False),
        ("pytest && echo done", False),
        ("echo pytest", False),
        ("pip install pytest", False),
        ("pytest -- x", False),
        ("pytest --junitxml=own.xml", False),
        ("pytest # quick", False),
        ("pytest 'unclosed", False),
        ("pytest &", False),
        ("pytest $(cat list)", False),
    ],
)
def test_which_commands_get_a_report(command: str, instrumented: bool) -> None:
    watched = with_junit(command, '"/x.xml"')
    assert (watched is not None) is instrumented
    if watched is not None:
        assert watched.startswith(command)
        assert watched.endswith('--junitxml="/x.xml"')


@pytest.mark.parametrize(
    "arguments",
    [
        {"test_commands": ("",)},
        {"test_commands": ("a\0b",)},
        {"test_commands": ("true",) * 11},
        {"test_commands": (" ",)},
        {"test_commands": (), "reproduction": Reproduction("")},
        {"test_commands": (), "timeout_s": 0},
        {"test_commands": (), "timeout_s": float("nan")},
    ],
)
def test_plans_that_are_none(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="proof plan"):
        ProofPlan(**arguments)  # type: ignore[arg-type]  # the table holds several fields of several types


def proof(**changes: object) -> Proof:
    known: dict[str, object] = {
        "verdict": "regressed", "reason": "Since base, 1 tests that passed fail.", "base_sha": "b" * 40,
        "head_sha": "h" * 40, "isolation": "bubblewrap", "commands": (run(exit_code=1, side="head", tail="boom"),),
        "reproduction": GOOD, "broken": ("t.a",), "new": {"t.n": "passed"},
        "flaky": (Flaky("t.f", "failed", "passed"),),
        "counts": {"broken": 1, "kept": 3, "fixed": 0, "new": 1, "flaky": 1}, "notes": ("1 test flaked.",),
    }  # fmt: skip
    return Proof(**{**known, **changes})  # type: ignore[arg-type]  # as above


def test_json_there_and_back() -> None:
    one = proof()
    assert Proof.from_json(one.to_json()) == one
    document = json.loads(one.to_json())
    assert document["version"] == 1
    malformed: list[object] = [{**document, "version": 2}, {**document, "verdict": "great"}, {"version": 1}, {}, [], 7]
    for broken in malformed:
        with pytest.raises(ValueError, match=r"proof|verdict"):
            Proof.from_json(json.dumps(broken))


def test_the_summary_is_one_line() -> None:
    line = render_summary(proof())
    assert line == (
        "Regression: 0 fixed, 3 kept, 1 broken, reproduction fails on base and passes on head (isolation: bubblewrap)"
    )


def test_markdown_for_people() -> None:
    text = render_markdown(proof())
    for part in ("### Regression", "Broken: passed on base", "`t.a`", "boom", "`t.f (failed, then passed)`",
                 "1 test flaked\\.", "| base | failed (status 1) | 1.0 |"):  # fmt: skip
        assert part in text
    assert "without isolation" not in text
    assert "**without isolation" in render_markdown(proof(isolation="none"))


HOSTILE = "```\n# @everyone </details><script>alert(1)</script> [x](http://evil) #1\n````` <!-- forgehand -->"


def test_hostile_output_stays_inert() -> None:
    name = "x`|` @octocat </details> #1"
    text = render_markdown(
        proof(
            commands=(run(exit_code=1, side="head", tail=HOSTILE),),
            broken=(name,),
            notes=(HOSTILE,),
            reason=HOSTILE,
            touched={"product": (name,), "tests": ()},
        )
    )
    outside = _outside_of_code(text)
    for danger in ("@everyone", "@octocat", "<script", "](http", "<!--", "#1"):
        assert danger not in outside, danger
    assert outside.count("<details>") == outside.count("</details>")


def _outside_of_code(text: str) -> str:
    """The text without fenced blocks and code spans, by CommonMark's rules for both."""
    lines, fence = [], ""
    for line in text.splitlines():
        opening = re.match(r"(`{3,})[^`]*$", line)
        if fence:
            if re.fullmatch(rf"`{{{len(fence)},}} *", line):
                fence = ""
        elif opening:
            fence = opening.group(1)
        else:
            lines.append(line)
    assert not fence, "every block is closed"
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", "\n".join(lines))


@given(st.text(alphabet="`a \n|@", max_size=40))
def test_code_spans_cannot_be_left(text: str) -> None:
    assert _outside_of_code(code(text)).strip() == ""
    assert _outside_of_code(fenced(text)) == ""


@given(st.text(alphabet="@#<>&*[]()`a_1 \n!", max_size=40))
def test_running_text_is_plain(text: str) -> None:
    shown_text = plain(text)
    assert "\n" not in shown_text
    assert not re.search(r"[@#]\w", shown_text)
    assert not re.search(r"(?<!\\)[`*\[\]<>]", shown_text)


def test_long_proofs_fit_into_a_comment() -> None:
    many = tuple(f"package.module.Case.test_{'x' * 200}_{n}" for n in range(5000))
    lists = ("kept", "broken", "fixed", "still_failing", "vanished")
    text = render_markdown(proof(**dict.fromkeys(lists, many), counts=dict.fromkeys(lists, 70_000)))
    assert len(text) <= 60_000
    assert "JSON" in text
    medium = render_markdown(proof(kept=many[:1000], counts={"kept": 1000}))
    assert "and 800 more" in medium
