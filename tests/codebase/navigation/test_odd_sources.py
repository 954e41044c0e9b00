"""No source is so odd that moving about it raises anything but NotThere."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codebase.index.grammars import GRAMMARS
from codebase.navigation import NotThere
from codebase.navigation.present import Present
from tests.codebase.index.test_links import PIECES
from tests.codebase.navigation.making import navigator_of

NAMES = ["A", "f", "x", "y", "a", "b", "doc", "A.f", "x.y", "::", "é", "__init__"]
SOURCE = st.lists(st.sampled_from([*PIECES, "self.x", "super().f()", "A()", "x = A()", "def __init__(self, x: A):"]),
                  max_size=15)  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(GRAMMARS), SOURCE), min_size=1, max_size=4),
    st.sampled_from(NAMES),
    st.integers(0, 6),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_question_has_an_answer(drawn: list[tuple[object, list[str]]], name: str, line: int) -> None:
    files: dict[str, str] = {}
    for number, (grammar, pieces) in enumerate(drawn):
        ending = grammar.endings[0]  # type: ignore[attr-defined]  # hypothesis knows no better type
        files[f"{'abc'[number % 3]}/m{number}{ending}"] = "\n".join(pieces).replace("\ud800", "?")
    with tempfile.TemporaryDirectory() as folder:
        navigator = navigator_of(files, Path(folder))
        for ask in (navigator.definition, navigator.references, navigator.callers, navigator.callees,
                    navigator.overrides):  # fmt: skip
            with contextlib.suppress(NotThere):
                ask(name)
            with contextlib.suppress(NotThere):
                ask("", path=next(iter(files)), line=line)
        for path in files:
            for place in navigator.outline(path).places:
                assert 1 <= place.start_line <= place.end_line
        assert len(navigator.map(tokens=50)) <= 200
        present = Present({path: text.encode() for path, text in files.items()})
        for found in (present.definitions(name), present.uses(name)):
            assert all(place.path in files and place.start_line >= 1 for place in found)
