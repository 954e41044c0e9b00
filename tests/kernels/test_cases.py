"""The corpus as files: how cases are read, what counts as caught, and what is said of all of them. Which verdicts the
real cases get, `forgehand kernel corpus` shows; some of them are run in test_corpus.py."""

from pathlib import Path

import pytest

from kernels.broker import Report
from kernels.candidate import Candidate, parse
from kernels.cases import Case, Kind, Outcome, read_cases, run, tally
from kernels.hosting import Place
from kernels.task import Task, TaskError
from kernels.verdicts import Stage, Verdict, Wrong

TASK = "class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n"
NOWHERE = Place(None, Path("/nowhere"))  # type: ignore[arg-type]  # it is never asked for a box
MODEL = "class ModelNew: ...\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write(tmp_path / "taxonomy.toml", "it is no folder")
    write(tmp_path / "b" / "task.py", TASK)
    write(tmp_path / "b" / "honest" / "plain.py", f'"""D1: looks like it, and is none."""\n{MODEL}')
    write(tmp_path / "b" / "hacks" / "zeros.py", f'"""B1: zeros."""\n{MODEL}')
    write(tmp_path / "a" / "task.toml", 'mode = "eval"\n')
    write(tmp_path / "a" / "reference.py", TASK)
    write(
        tmp_path / "a" / "hacks" / "kept.py",
        f'"""D1, D3: keeps it.\n\nVerdict: incorrect (stale) or needs_review.\n"""\n{MODEL}',
    )
    write(tmp_path / "a" / "refused" / "ones.py", f'"""B4: ones."""\n{MODEL}')
    write(tmp_path / "a" / "needs_gpu" / "tiles.py", f'"""Tiles, under Triton."""\n{MODEL}')
    write(tmp_path / "a" / "gpu" / "hacks" / "kept.py", f'"""D10: on another stream."""\n{MODEL}')
    write(tmp_path / "a" / "gpu" / "honest" / "streams.py", f'"""Waits for its streams."""\n{MODEL}')
    return tmp_path


def test_cases_come_by_task_in_one_order(corpus: Path) -> None:
    found = list(read_cases(corpus))
    assert [(one.kind, one.name, one.on_device) for one in found] == [
        ("hack", "a/kept", False),
        ("refused", "a/ones", False),
        ("needs_gpu", "a/tiles", False),
        ("hack", "a/gpu/kept", True),
        ("honest", "a/gpu/streams", True),
        ("hack", "b/zeros", False),
        ("honest", "b/plain", False),
    ]
    assert found == list(read_cases(corpus))
    assert [one.task.train for one in found] == [False] * 5 + [True] * 2, "a folder with a task.toml is a task too"


def test_a_case_says_what_it_shows_and_as_what_it_is_found_out(corpus: Path) -> None:
    kept, *_ = read_cases(corpus)
    assert (kept.claim, kept.entries) == ("D1, D3: keeps it.", ("D1", "D3"))
    assert kept.expected == ((Verdict.incorrect, Wrong.stale), (Verdict.needs_review, None))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"""B1: x.\n\nVerdict: wrong."""', "Verdict"),
        ('"""B1: x.\n\nVerdict: incorrect (wrong)."""', "Wrong"),
        ('"""B1: x.\n\nVerdict: incorrect, later."""', "no verdict"),
        ("class ModelNew(", "cannot be read"),
    ],
)
def test_a_case_that_cannot_be_read_is_named(corpus: Path, text: str, why: str) -> None:
    write(corpus / "b" / "hacks" / "zeros.py", text)
    with pytest.raises(TaskError, match=rf"zeros\.py.*{why}"):
        list(read_cases(corpus))


def test_a_folder_without_a_task_is_no_corpus(corpus: Path) -> None:
    (corpus / "b" / "task.py").unlink()
    with pytest.raises(TaskError, match=r"task\.py cannot be read"):
        list(read_cases(corpus))


def outcome(
    kind: Kind, verdict: Verdict, wrong: Wrong | None = None, expected: tuple[tuple[Verdict, Wrong | None], ...] = ()
) -> Outcome:
    task, candidate = Task("t", TASK.encode()), Candidate("c.py", MODEL.encode())
    case = Case(kind, f"t/{kind}", "D1: x.", task, candidate, ("D1",), expected)
    return Outcome(case, Report(task, candidate, verdict, Stage.correct, ["so it is"], wrong, seconds=1.25))


PASSING = {Verdict.faster, Verdict.equal, Verdict.slower, Verdict.ambiguous}
NOTHING = {Verdict.infra_error, Verdict.invalid_task, Verdict.needs_gpu}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_counts_as_it_should(verdict: Verdict) -> None:
    assert outcome("honest", verdict).as_it_should == (verdict in PASSING)
    assert outcome("hack", verdict).as_it_should == (verdict not in PASSING | NOTHING)
    assert outcome("needs_gpu", verdict).as_it_should == (verdict is Verdict.needs_gpu)
    assert outcome("refused", verdict).as_it_should == (verdict is Verdict.invalid_task)


@pytest.mark.parametrize(
    ("verdict", "wrong", "says"),
    [
        (Verdict.incorrect, Wrong.stale, True),
        (Verdict.incorrect, Wrong.numerical, False),
        (Verdict.needs_review, None, True),
        (Verdict.reward_hack, None, False),
    ],
)
def test_a_hack_caught_for_another_reason_is_caught_and_told(
    verdict: Verdict, wrong: Wrong | None, *, says: bool
) -> None:
    expected = ((Verdict.incorrect, Wrong.stale), (Verdict.needs_review, None))
    found = outcome("hack", verdict, wrong, expected)
    assert found.as_it_should
    assert found.as_it_says == says


def nobody(count: int, tasks: int) -> list[Case]:
    """Cases that are judged without a box: what they define is no ModelNew."""
    return [
        Case(
            "hack", f"{number % tasks}/{number}", "G1: x.", Task(str(number % tasks), b""), Candidate("c.py", b"x = 1")
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_outcomes_come_in_the_order_of_the_cases_however_many_are_under_way(lanes: int) -> None:
    heard: list[Outcome] = []
    cases = nobody(12, 3)
    found = run(cases, NOWHERE, heard.append, lanes=lanes)
    assert [one.case.name for one in found] == [one.name for one in cases]
    assert {one.case.name for one in heard} == {one.name for one in cases}
    assert len(heard) == 12
    assert {one.report.verdict for one in found} == {Verdict.parse_error}


def test_a_run_that_is_broken_off_ends_in_all_its_lanes() -> None:
    heard: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        heard.append(outcome)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(nobody(40, 2), NOWHERE, done)
    assert len(heard) <= 2, "each lane ends at its next case"


def test_no_case_is_no_run() -> None:
    assert run([], NOWHERE) == []


def test_the_tally_is_what_the_command_promises() -> None:
    left_out = Case("hack", "t/gpu/x", "D10: x.", Task("t", b""), Candidate("x.py", b""), ("D10",), on_device=True)
    found = tally(
        [
            outcome("hack", Verdict.incorrect, Wrong.stale),
            outcome("hack", Verdict.ambiguous),
            outcome("hack", Verdict.infra_error),
            outcome("honest", Verdict.slower),
            outcome("honest", Verdict.needs_review),
            outcome("refused", Verdict.invalid_task),
        ],
        [left_out],
        7.04,
    )
    assert found["hacks"] == {"total": 3, "caught": 1}
    assert found["honest"] == {"total": 2, "passed": 1}
    assert found["refused"] == {"total": 1, "as_they_should": 1}
    assert found["needs_gpu"] == {"total": 0, "as_they_should": 0}
    assert found["not_run"] == ["t/gpu/x"], "what was not run is told and counted nowhere"
    assert found["verdicts"]["hack"] == {"incorrect": 1, "ambiguous": 1, "infra_error": 1}
    assert found["seconds"] == 7.0
    assert found["cases"][0] == {
        "name": "t/hack",
        "kind": "hack",
        "claim": "D1: x.",
        "entries": ["D1"],
        "as_it_should": True,
        "as_it_says": True,
        "verdict": "incorrect",
        "wrong": "stale",
        "stage": "correct",
        "reasons": ["so it is"],
        "seconds": 1.25,
    }


def test_the_corpus_is_whole() -> None:
    found = [one for one in read_cases() if not one.on_device]
    kinds = {kind: [one for one in found if one.kind == kind] for kind in ("hack", "honest", "refused")}
    assert len(kinds["hack"]) >= 45
    assert len(kinds["honest"]) >= 30
    assert len({one.task.name for one in kinds["honest"]}) >= 8
    assert {one.task.name for one in kinds["hack"]} == {one.task.name for one in kinds["honest"]}
    assert not {one.task.name for one in kinds["refused"]} & {one.task.name for one in kinds["hack"]}


def test_every_case_has_a_name_of_its_own_and_a_claim() -> None:
    found = list(read_cases())
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.claim.endswith("."), one.name
        if one.name != "linear_tanh/no_class":
            parse(one.candidate)


def test_no_two_cases_of_a_task_are_the_same_program() -> None:
    sources: dict[tuple[str, bytes], str] = {}
    for one in read_cases():
        body = one.candidate.source.partition(b'"""\n')[2]
        assert sources.setdefault((one.task.name, body), one.name) == one.name
