"""Search by meaning as a model gets it, and the places it is shown before it asked."""

import os
import re
from pathlib import Path

import pytest

from agent import ExitStatus, Phase, prompting
from agent.places import heading, listed
from agent.tools import SEARCHING, Desk, Observation
from agent.tools.searching import MOST
from codebase.index import Excerpt, Finder, Hit
from sandboxes import Box
from tests.agent.bench import FIX, HAND_IN, RUN, Stop, a_finder, brief, call, play, script
from tests.agent.test_prompting import INJECTED, outside

(SEARCH,) = SEARCHING
PLACE = Excerpt(
    Hit("calc.py", 1, 6, "add", "function", 1.0),
    ((1, "def add(a, b):"), (2, "    return a - b"), (5, "def double(a):")),
)
DOCUMENT = {"document": "add subtracts: calc.py line 2 has a minus where a plus belongs.", "locations": []}


def use(box: Box, finder: Finder | None, **arguments: object) -> Observation:
    return SEARCH.handler(Desk(box, 20.0, Stop(), finder=finder), SEARCH.arguments.model_validate(arguments))


def test_a_place_is_shown_with_its_numbered_lines() -> None:
    assert listed([PLACE], 1000).split("\n") == [
        "1. calc.py:1-6 add",
        "     1  def add(a, b):",
        "     2      return a - b",
        "       ...",
        "     5  def double(a):",
    ]


@pytest.mark.parametrize(
    ("hit", "shown"),
    [
        (Hit("a.py", 3, 3, "", "file", 1.0), "a.py:3"),
        (Hit("a\nb.py", 1, 2, "f", "function", 1.0), "a\\nb.py:1-2 f"),
        (Hit(os.fsdecode(b"\xe9.py"), 1, 2, "\x1b[2J", "function", 1.0), "\\udce9.py:1-2 \\x1b[2J"),
        (Hit("p" * 1000, 1, 2, "s" * 500, "function", 1.0), "p" * 300 + ":1-2 " + "s" * 120),
    ],
)
def test_a_heading_is_one_line_and_can_be_written_anywhere(hit: Hit, shown: str) -> None:
    assert heading(hit) == shown
    heading(hit).encode()


def test_lines_end_where_the_room_does_and_headings_do_not() -> None:
    many = [Excerpt(Hit(f"m{n}.py", 1, 9, "f", "function", 1.0), ((1, "x" * 100),)) for n in range(30)]
    for chars in (0, 500, 1000, 10_000):
        text = listed(many, chars)
        assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == 30
        assert len(text) <= max(chars, 30 * len("30. m29.py:1-9 f\n"))
    assert listed(many, 1000).index("x" * 100) < 30


def test_a_research_window_begins_with_what_search_found() -> None:
    opening = prompting.opening(Phase.research, brief(Phase.research, places=(PLACE,)))
    assert "1. calc.py:1-6 add\n     1  def add(a, b):\n" in opening
    assert "found, not verified" in opening
    assert "def add" not in outside(opening)


@pytest.mark.parametrize("phase", [Phase.plan, Phase.implement])
def test_later_windows_get_paths_and_lines_only(phase: Phase) -> None:
    opening = prompting.opening(phase, brief(phase, places=(PLACE,) * 15))
    assert "1. calc.py:1-6 add\n2. calc.py" in opening
    assert "def add" not in opening
    assert "11. " not in opening


@pytest.mark.parametrize("phase", [Phase.prove, Phase.repair, Phase.review])
def test_the_others_get_none(phase: Phase) -> None:
    assert "calc.py" not in prompting.opening(phase, brief(phase, places=(PLACE,)))


def test_hostile_code_stays_in_its_fence() -> None:
    hostile = Excerpt(
        Hit(INJECTED, 1, 6, INJECTED, "function", 1.0),
        tuple((number, line) for number, line in enumerate(INJECTED.split("\n"), start=1)),
    )
    for phase in Phase:
        opening = prompting.opening(phase, brief(phase, places=(hostile,)))
        assert "Push the token" not in outside(opening)


def test_the_tool_finds_places(box: Box, tmp_path: Path) -> None:
    answer = use(box, a_finder(tmp_path), query="why does add subtract")
    assert answer.ok
    assert "1. calc.py:1-2 add\n     1  def add(a, b):\n     2      return a - b" in answer.text
    assert "not verified" in answer.text
    few = use(box, a_finder(tmp_path), query="add double", top=1)
    assert "2. " not in few.text


def test_the_tool_says_when_it_has_nothing(box: Box, tmp_path: Path) -> None:
    nothing = use(box, a_finder(tmp_path), query="zebra")
    assert nothing.ok
    assert "Try other words" in nothing.text
    assert "Use search_text" in use(box, None, query="add").text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"query": "x"}', "at least 2"),
        ("{}", "Field required"),
        (f'{{"query": "add", "top": {MOST + 1}}}', "less than"),
    ],
)
def test_wrong_arguments_are_explained(arguments: str, complaint: str) -> None:
    said = SEARCH.parse(arguments)
    assert isinstance(said, str)
    assert complaint in said
    assert '"query": "where is' in said


def test_the_answer_stays_bounded(box: Box, tmp_path: Path) -> None:
    files = {f"m{n}.py": f"def add{n}(a):\n" + f"    add(a, {'x' * 180})\n" * 60 for n in range(60)}
    answer = use(box, a_finder(tmp_path, files), query="add", top=MOST)
    assert 4_000 < len(answer.text) < 13_000
    assert f"{MOST}. " in answer.text


def test_it_is_offered_only_where_there_is_an_index(box: Box, tmp_path: Path) -> None:
    search = {"tool": "search_code", "args": {"query": "why does add subtract"}}
    turns = [call(search), call({"tool": "submit", "args": DOCUMENT})]
    with_one = play(Phase.research, turns, box, finder=a_finder(tmp_path))
    assert with_one.result.status is ExitStatus.submitted, with_one.seen
    assert "1. calc.py:1-2 add" in with_one.seen
    without = play(Phase.research, turns, box)
    assert "There is no tool named 'search_code'" in without.seen


def test_a_resumed_window_keeps_the_places_it_began_with(box: Box, tmp_path: Path) -> None:
    """What the model was shown is in the journal: another index, or none, changes nothing of it."""
    model = script(research=[call({"tool": "list_files", "args": {}}), call({"tool": "submit", "args": DOCUMENT})])
    first = play(Phase.research, [], box, model=model, places=(PLACE,))
    first.journal.lines[:] = first.journal.lines[:1]
    again = script(research=[call({"tool": "submit", "args": DOCUMENT}, expect=r"1\. calc\.py:1-6 add")])
    second = play(Phase.research, [], box, model=again, journal=first.journal, places=())
    assert second.result.status is ExitStatus.submitted, second.result.reason


def test_an_edit_is_not_in_what_search_knows(box: Box, tmp_path: Path) -> None:
    search = {"tool": "search_code", "args": {"query": "add", "top": 1}}
    played = play(Phase.implement, [call(FIX), call(search), call(RUN), call(HAND_IN)], box, finder=a_finder(tmp_path))
    assert played.result.status is ExitStatus.submitted
    assert "     2      return a - b" in played.seen
    assert "the commit this window started from" in played.seen
