import ast
from pathlib import Path
from typing import Any

import pytest

from kernels.candidate import Candidate, Refused, parse, read_candidate, static_findings
from kernels.findings import Tier, of_probe
from kernels.messages import ProtocolError
from kernels.task import TaskError


def candidate(source: str) -> Candidate:
    return Candidate("c.py", source.encode())


def rules(source: str) -> dict[str, int | None]:
    return {one.rule: one.line for one in static_findings(ast.parse(source))}


def test_a_candidate_is_bytes_with_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "c.py"
    path.write_text("class ModelNew: ...")
    assert read_candidate(path).digest == candidate("class ModelNew: ...").digest != candidate("").digest
    with pytest.raises(TaskError, match="cannot be read"):
        read_candidate(tmp_path / "none.py")


@pytest.mark.parametrize(
    ("source", "why", "line"),
    [
        ("class ModelNew(", "SyntaxError", 1),
        ("\n\nx = = 1", "SyntaxError", 3),
        ("class Model: ...", "defines no ModelNew", None),
        ("class ModelNew: ...\nclass ModelNew: ...", "more than once", 2),
        ("class ModelNew: ...\nModelNew = 1", "more than once", 2),
        ("\0", "cannot be parsed|null bytes", None),
    ],
)
def test_what_is_no_candidate_is_refused_at_its_line(source: str, why: str, line: int | None) -> None:
    with pytest.raises(Refused, match=why) as refusal:
        parse(candidate(source))
    assert line is None or refusal.value.line == line


def test_text_is_never_more_than_a_reason_to_look() -> None:
    source = (
        "import threading\nclass ModelNew(Model):\n  def forward(self, x):\n    try:\n      return 1\n"
        "    except ValueError:\n      return 2\n"
    )
    assert rules(source) == {"unusual_import": 1, "derives_from_reference": 2, "try_in_forward": 4}
    assert all(one.tier is not Tier.hard for one in static_findings(ast.parse(source)))


@pytest.mark.parametrize(
    ("base", "derives"),
    [("Model", True), ("task.Model", True), ("nn.Module", False), ("made()", False), ("nn.Module" + ".x" * 400, False)],
)
def test_what_it_derives_from_is_read_however_long_it_is(base: str, derives: bool) -> None:
    assert rules(f"class ModelNew({base}): ...") == ({"derives_from_reference": 1} if derives else {})


def test_an_optional_import_is_nothing_to_look_at() -> None:
    assert rules("try:\n  import numpy\nexcept ImportError:\n  numpy = None\nclass ModelNew(nn.Module): ...") == {}


CLEAN: dict[str, Any] = {"replaced": [], "events": [], "switches": [], "threads": 0, "random": False}


def test_a_clean_process_shows_nothing() -> None:
    assert list(of_probe(CLEAN)) == []


@pytest.mark.parametrize(
    ("seen", "rule", "tier"),
    [
        ({"replaced": ["time.perf_counter"]}, "replaced_function", Tier.hard),
        ({"events": [["sys._getframe", 3]]}, "suspicious_call", Tier.support),
        ({"events": [["exec", 3]]}, "suspicious_call", Tier.support),
        ({"events": [["ctypes.cdata", 3]]}, "suspicious_call", Tier.support),
        ({"events": [["gc.get_objects", None]]}, "suspicious_call", Tier.support),
        ({"events": [["function.__new__", 3]]}, "suspicious_call", Tier.support),
        ({"events": [["import", 3]]}, "suspicious_call", Tier.support),
        ({"events": [["ctypes.dlopen", 3]]}, "unusual_call", Tier.telemetry),
        ({"switches": ["threads of torch"]}, "changed_switch", Tier.support),
        ({"threads": 2}, "threads_left", Tier.support),
        ({"random": True}, "drew_random_numbers", Tier.support),
    ],
)
def test_what_a_process_shows_has_a_tier(seen: dict[str, Any], rule: str, tier: Tier) -> None:
    [found] = of_probe({**CLEAN, **seen})
    assert (found.rule, found.tier) == (rule, tier)


def test_the_same_call_is_told_once_for_a_line() -> None:
    assert len(list(of_probe({**CLEAN, "events": [["os.fork", 3]] * 40 + [["os.fork", 4]]}))) == 2


@pytest.mark.parametrize("odd", [{"threads": "2"}, {"random": 1}, {"events": None}, {"replaced": "all"}])
def test_a_probe_that_is_none_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        list(of_probe({**CLEAN, **odd}))
