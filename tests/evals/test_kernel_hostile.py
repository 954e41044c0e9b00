"""Candidates that harm cost a verdict each and leave nothing. The thousand are run by `python -m evals.kernel_hostile`;
here are a few kinds, and with the marker every kind once."""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evals.kernel_hostile import Held, Left, Ran, as_document, held, main, measure, own_place
from evals.kernel_hostile_candidates import TASK, candidates
from kernels.candidate import Candidate, parse
from kernels.hosting import Place
from kernels.verdicts import PASSED, Verdict
from sandboxes import SandboxUnavailable
from tests.engines import absent
from tests.sandboxes.conftest import bubblewrap

NOTHING = Held(60 << 20, 3, 10, 0, 0, 0)
LEFT = Left([Ran("raises", Verdict.launch_error, 1.0, "RuntimeError")], NOTHING, NOTHING, NOTHING, NOTHING, [], 1.0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Place, Path]]:
    bubblewrap(tmp_path)  # says why where there are no such boxes
    try:
        with own_place() as found:
            yield found
    except SandboxUnavailable as error:
        absent(f"PyTorch for the kernel lane: {error}")


def quiet(number: int, ran: Ran, now: Held) -> None:
    print(number, ran, now)


@pytest.mark.xdist_group("kernels")
@pytest.mark.parametrize(
    ("names", "verdicts"),
    [
        ("exits at import", {Verdict.load_error}),
        ("forges an answer", {Verdict.protocol_error}),
        ("leaves children behind", {Verdict.launch_error}),
    ],
)
def test_a_hostile_candidate_leaves_nothing(own: tuple[Place, Path], names: str, verdicts: set[Verdict]) -> None:
    found = measure(*own, 2, quiet, names)
    assert found.problems == []
    # A machine that is busy enough answers a little later than the short limits of this measure allow.
    assert {one.verdict for one in found.runs} <= verdicts | {Verdict.timeout}


@pytest.mark.hostile
@pytest.mark.xdist_group("kernels")
@pytest.mark.timeout(3600)
def test_every_kind_of_hostile_candidate_costs_a_verdict_and_nothing_else(own: tuple[Place, Path]) -> None:
    found = measure(*own, len(candidates()), quiet)
    assert found.problems == []
    assert not PASSED & {one.verdict for one in found.runs}


def test_every_candidate_is_python_that_defines_a_model() -> None:
    assert len(candidates()) > 35
    ast.parse(TASK)
    for name, text in candidates().items():
        parse(Candidate(name, text))


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (replace(LEFT, after=replace(NOTHING, processes=1)), "processes"),
        (replace(LEFT, after=replace(NOTHING, groups=2)), "groups"),
        (replace(LEFT, after=replace(NOTHING, records=1)), "records"),
        (replace(LEFT, after=replace(NOTHING, descriptors=200)), "descriptors"),
        (replace(LEFT, after=replace(NOTHING, threads=50)), "threads"),
        (replace(LEFT, at_end=replace(NOTHING, rss=500 << 20)), "grew by 440 MB"),
        (replace(LEFT, files=["/tmp/left"]), "/tmp/left"),
        (replace(LEFT, runs=[Ran("cheats", Verdict.faster, 1.0, "")]), "cheats"),
        (replace(LEFT, runs=[Ran("cheats", Verdict.equal, 1.0, "")]), "cheats"),
        (replace(LEFT, runs=[Ran("breaks", Verdict.infra_error, 1.0, "lost")]), "lost"),
    ],
)
def test_what_is_left_is_a_problem(left: Left, words: str) -> None:
    assert any(words in one for one in left.problems)
    assert words in json.dumps(as_document(left)["problems"])


def test_nothing_left_is_no_problem() -> None:
    assert LEFT.problems == []
    document = as_document(LEFT)
    assert (document["runs"], document["verdicts"]) == (1, {"launch_error": 1})
    assert document["by_candidate"] == {"raises": {"launch_error": 1}}


@pytest.mark.parametrize("words", [["--only", "nosuchcandidate"], ["--runs", "0"]])
def test_a_measure_of_nothing_is_refused(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kernel_hostile", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2


def test_what_this_process_holds_is_counted(tmp_path: Path) -> None:
    before = held(tmp_path)
    (tmp_path / "box.json").write_text("{}")
    with (tmp_path / "other").open("w"):
        after = held(tmp_path)
    assert after.records == before.records + 1
    assert after.descriptors == before.descriptors + 1
    assert after.rss > 1 << 20
