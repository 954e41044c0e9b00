from pathlib import Path

import pytest

from kernels.comparing import Tolerance
from kernels.task import MOST_SOURCE, TaskError, read_task

GOOD = """
class Model: ...
def get_inputs(): ...
def get_init_inputs(): ...
"""


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def folder(at: Path, toml: str, source: str = GOOD) -> Path:
    write(at / "reference.py", source)
    write(at / "task.toml", toml)
    return at


def test_a_file_is_a_task_and_nothing_of_it_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    path = write(tmp_path / "relu.py", f"open({str(mark)!r}, 'w')\n{GOOD}")
    task = read_task(path)
    assert (task.name, task.train, task.shapes, task.layouts) == ("relu", True, (), ("contiguous",))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def get_inputs(): ...", "defines no Model, get_init_inputs"),
        ("class Model(:", "no Python: line 1"),
        (b"\0", "no Python"),
        (b"\xff\xfe", "no Python"),
        ("(" * 5000, "no Python"),
        ("#" * (MOST_SOURCE + 1), "more than"),
        ("if True:\n" + GOOD.replace("\n", "\n  "), "defines no Model"),
    ],
)
def test_what_is_no_task_is_refused_with_its_reason(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(TaskError, match=why):
        read_task(write(tmp_path / "task.py", text))


def test_a_task_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot be read"):
        read_task(tmp_path / "none.py")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match=r"task\.toml"):
        read_task(tmp_path / "empty")


def test_a_folder_says_more(tmp_path: Path) -> None:
    task = read_task(
        folder(
            tmp_path / "wide",
            'mode = "eval"\nshapes = [[[3, 4], [4]], [[1, 4], [4]]]\nlayouts = ["contiguous", "offset"]\n'
            'distributions = ["normal", "integers"]\ndevice = "cpu"\n[tolerance]\nratio = 4\nfloor = 1e-3\n',
        )
    )
    assert (task.name, task.train, task.device) == ("wide", False, "cpu")
    assert task.shapes == (((3, 4), (4,)), ((1, 4), (4,)))
    assert task.tolerance == Tolerance(ratio=4.0, floor=1e-3)
    assert task.distributions == ("normal", "integers")


@pytest.mark.parametrize(
    ("toml", "mixes"),
    [("", True), ('distributions = ["declared", "normal"]', True), ('distributions = ["declared"]', False)],
)
def test_inputs_are_mixed_where_others_than_the_tasks_own_are_allowed(tmp_path: Path, toml: str, mixes: bool) -> None:
    assert read_task(folder(tmp_path / "task", toml)).mixes is mixes


def test_what_a_folder_may_ask_for_beside_the_output(tmp_path: Path) -> None:
    plain = read_task(folder(tmp_path / "plain", ""))
    assert (plain.backward, plain.library_ops, plain.both_modes, plain.same_nonfinite) == (False, None, False, False)
    strict = 'backward = true\nmode = "both"\nnonfinite = "same"\nallow_library_ops = ["aten::mm", "aten::bmm"]'
    task = read_task(folder(tmp_path / "strict", strict))
    assert (task.backward, task.train, task.both_modes, task.same_nonfinite) == (True, True, True, True)
    assert task.library_ops == ("aten::bmm", "aten::mm")
    assert read_task(folder(tmp_path / "own", 'allow_library_ops = "none"')).library_ops == ()


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ("a = ", "no TOML"),
        ("colour = 1", "colour is no key"),
        ('reference = "../other.py"', "file beside it"),
        ('reference = "none.py"', "cannot be read"),
        ('mode = "fast"', "mode is"),
        ('device = "tpu"', "device is"),
        ("shapes = 3", "shapes is a list"),
        ("shapes = [[3, 4]]", "list of lists"),
        ("shapes = [[[3, -4]]]", "no shape"),
        ("shapes = [[[3, 4.5]]]", "no shape"),
        ('layouts = ["upside down"]', "none of"),
        ("layouts = []", "an empty list"),
        ('distributions = ["cauchy"]', "none of"),
        ("tolerance = 1e-2", "tolerance is a table"),
        ("[tolerance]\nratio = 0", "at least 1"),
        ("[tolerance]\nfloor = true", "numbers"),
        ("[tolerance]\nratio = 1" + "0" * 400, "larger than any"),
        ('shapes = [[[3, 4]]]\ndistributions = ["declared"]', "beside declared"),
        ("[tolerance]\nfloor = 0.9", "between 0 and 0.5"),
        ("[tolerance]\natol = 1e-2", "table of ratio"),
        ('allow_library_ops = "some"', "allow_library_ops is"),
        ("allow_library_ops = []", "allow_library_ops is"),
        ("allow_library_ops = [3]", "allow_library_ops is"),
        ('allow_library_ops = ["mm"]', "no name of an operation"),
        ('backward = "yes"', "backward is"),
        ('nonfinite = "finite"', "nonfinite is"),
    ],
)
def test_a_folder_that_says_nonsense_is_refused(tmp_path: Path, toml: str, why: str) -> None:
    with pytest.raises(TaskError, match=why):
        read_task(folder(tmp_path / "task", toml))


def test_the_digest_follows_the_source_and_what_counts_as_right(tmp_path: Path) -> None:
    plain = read_task(folder(tmp_path / "a", ""))
    other_source = read_task(folder(tmp_path / "b", "", GOOD + "#"))
    rules = (
        "[tolerance]\nratio = 2",
        "backward = true",
        'allow_library_ops = "none"',
        'mode = "both"',
        'nonfinite = "same"',
    )
    others = [read_task(folder(tmp_path / f"c{number}", rule)).digest for number, rule in enumerate(rules)]
    assert len({plain.digest, other_source.digest, *others}) == 2 + len(rules)
    assert plain.digest == read_task(tmp_path / "a").digest
