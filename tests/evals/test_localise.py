"""The measures of localisation, by hand on small cases, and once through the command on a real clone."""

import pytest

from codebase.index.ranking import DEFAULT
from evals.localise import all_among, figures, judge
from tests.cli.ground import SUMS
from tests.codebase.index.making import corpus_of

ROW = {
    "instance_id": "octo__sums-1",
    "repo": "octo/sums",
    "problem_statement": "The first number is left out of the total",
    "gold": {"files": ["sums.py"], "functions": ["sums.py:total"], "lines": [["sums.py", 4], ["sums.py", 400]]},
}


@pytest.mark.parametrize(
    ("gold", "found", "k", "hit"),
    [
        (["a"], ["a", "b"], 1, 1.0),
        (["b"], ["a", "b"], 1, 0.0),
        (["a", "b"], ["b", "c"], 1, 1.0),  # with one place for two, one is all there can be
        (["a", "b"], ["b", "c", "d"], 3, 0.0),
        (["a", "b"], ["b", "c", "a"], 3, 1.0),
        (["pkg/a.py"], ["a.py"], 1, 0.0),  # no ends of paths
    ],
)
def test_all_gold_must_be_among_the_first(gold: list[str], found: list[str], k: int, hit: float) -> None:
    assert all_among(gold, found, k) == hit


def test_an_issue_is_judged_on_the_list_people_get() -> None:
    corpus = corpus_of({path: str(text) for path, text in SUMS.items()})
    outcome = judge(corpus, ROW, DEFAULT)
    assert outcome.values["file@1"] == outcome.values["function@5"] == 1.0
    assert outcome.values["lines in 1000"] == 0.5
    folded = judge(corpus_of({"a.py": "class A:\n    def __init__(self):\n        self.total = 0\n"}),
                   {**ROW, "gold": {"files": ["a.py"], "functions": ["a.py:A"], "lines": []}}, DEFAULT)  # fmt: skip
    assert folded.values["function@5"] == 1.0, "a constructor counts as its class"
    assert "lines in 1000" not in folded.values
    nothing = judge(corpus, {**ROW, "gold": {"files": ["gone.py"], "functions": [], "lines": []}}, DEFAULT)
    assert nothing.missed == ("gone.py",)
    told = figures([outcome, nothing])
    assert told.means["file@10"][0] == 0.5
    assert told.means["function@5"][0] == 1.0, "issues without functions do not count there"
