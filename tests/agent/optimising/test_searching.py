"""The loop against a scripted model over the real wire: what is said, what is verified, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from agent.asking import Notes, Purse
from agent.journal import Replied
from agent.model import CallPolicy, Cancelled, ModelClient, ModelRejected
from agent.optimising import Bounds, NotGradable, Outcome, Subject, Try, optimise
from agent.optimising.contract import End
from agent.prices import ModelSpec, Price
from demo.scripted_model import ScriptedModel
from demo.scripted_script import Script
from tests.agent.optimising.verdicts import Verifier

SUBJECT = Subject("rows", "class Model: the reference", "present # equal 1.0", ("one thread", "shape [64, 1024]"))
PRICE = Price(Decimal(3), Decimal(15))


class Overheard(ModelClient):
    """A model client that keeps what it sends."""

    def __init__(self, specs: Sequence[ModelSpec], heard: list[list[dict[str, Any]]]) -> None:
        super().__init__(specs, policy=CallPolicy(attempts=1))
        self._heard = heard

    def complete(self, messages: Any, tools: Any, **given: Any) -> Any:
        self._heard.append(list(messages))
        return super().complete(messages, tools, **given)


def propose(source: str, idea: str = "fewer passes", **turn: Any) -> dict[str, Any]:
    return {"call": [{"tool": "propose", "args": {"idea": idea, "source": source}}], **turn}


class Studio:
    """A scripted author, a verifier, a record and a purse, which outlive a run."""

    def __init__(self, faults: int = 0, usd: int = 1, **windows: Sequence[Mapping[str, Any]]) -> None:
        phases = {name.replace("__", "#"): list(turns) for name, turns in windows.items()}
        self.script = ScriptedModel(Script.model_validate({"phases": phases}))
        self.verify, self.notes, self.purse = Verifier(faults), Notes(), Purse(Decimal(usd), 500_000)
        self.heard: list[list[dict[str, Any]]] = []
        self.told: list[Try] = []

    @contextmanager
    def model(self) -> Iterator[ModelClient]:
        with self.script.serve() as server:
            spec = ModelSpec("openai/{window}", api_base=server.base_url, api_key=server.api_key, price=PRICE)
            yield Overheard([spec], self.heard)

    def run(self, bounds: Bounds, subject: Subject = SUBJECT, cancelled: Callable[[], bool] = lambda: False) -> Outcome:
        with self.model() as model:
            return optimise(
                subject, self.verify, model, ledger=self.purse, journal=self.notes, window="1/optimise",
                bounds=bounds, cancelled=cancelled, told=self.told.append,
            )  # fmt: skip


def test_first_wrong_then_slow_then_faster() -> None:
    studio = Studio(
        optimise=[
            propose("one # incorrect"),
            propose("two # slower 0.5", expect="Verdict: incorrect"),
            propose("three # faster 2.0", expect="Verdict: slower"),
        ]
    )
    found = studio.run(Bounds(turns=3, branches=1))
    assert [one.feedback.verdict for one in found.tries if one.feedback] == ["incorrect", "slower", "faster"]
    assert [one.source for one in found.winners] == ["three # faster 2.0"]
    assert (found.end, found.right, len(studio.told)) == (End.turns, 2, 3)
    assert found.present is not None
    assert found.present.verdict == "equal"
    assert studio.verify.asked[0] == "present # equal 1.0"
    assert found.tokens > 0
    assert found.cost_usd > 0


def test_the_first_words_have_reference_present_candidate_and_facts_as_data() -> None:
    studio = Studio(optimise=[propose("one # equal 1.0")])
    studio.run(Bounds(turns=1))
    (system, opening), = studio.heard  # fmt: skip
    for part in (SUBJECT.reference, str(SUBJECT.present), *SUBJECT.facts, "Verdict: equal"):
        assert part in opening["content"]
        assert part not in system["content"]
    assert opening["content"].count("<data ") == 4


def test_other_beginnings_hear_of_each_other_and_the_best_is_gone_on_with() -> None:
    studio = Studio(
        optimise=[propose("one # incorrect", "vectorise")],
        optimise__2=[
            propose("two # equal 1.0", "fuse", expect='"vectorise": incorrect'),
            propose("three # faster 3.0"),
        ],
    )
    found = studio.run(Bounds(turns=3, branches=2))
    assert [one.branch for one in found.tries] == [1, 2, 2]
    assert found.winners[0].number == 3


def test_of_old_turns_only_the_results_are_shown_and_the_best_source() -> None:
    studio = Studio(
        optimise=[propose(f"source{at} # {said}", f"idea{at}") for at, said in
                  enumerate(["faster 3.0", "equal 1.0", "incorrect", "slower 0.5", "equal 1.1"])]
    )  # fmt: skip
    found = studio.run(Bounds(turns=5, branches=1, patience=5))
    assert len(found.tries) == 5
    text = "\n".join(str(message) for message in studio.heard[-1])
    shown = [f"source{at}" in text for at in range(4)]
    assert shown == [True, False, True, True]  # the best is shown though it is old
    assert '<summary steps="2">' in text
    assert "idea1" in text


def test_nothing_better_for_long_enough_ends_it() -> None:
    studio = Studio(optimise=[propose(f"{at} # equal 1.0") for at in range(9)])
    found = studio.run(Bounds(turns=9, branches=1, patience=3))
    assert (found.end, len(found.tries), found.winners) == (End.stalled, 4, [])
    assert found.reason == "3 turns in a row brought nothing better"


@pytest.mark.parametrize(
    ("turn", "trouble"),
    [
        ({"say": "I think it cannot be done."}, "proposes nothing"),
        ({"call": [{"tool": "run", "args": {"command": "ls"}}]}, "no tool named 'run'"),
        ({"call": [{"tool": "propose", "args": {"idea": "x"}}]}, "source: Field required"),
        (propose("present # equal 1.0"), "exactly the file of the candidate that is there now"),
        (propose("x" * 60_001), "at most 60000 characters"),
    ],
)
def test_what_is_no_candidate_is_said_and_costs_a_turn_but_no_verification(turn: dict[str, Any], trouble: str) -> None:
    studio = Studio(optimise=[turn, propose("two # equal 1.0", expect="Not put to the test")])
    found = studio.run(Bounds(turns=2, branches=1))
    assert trouble in found.tries[0].trouble
    assert len(studio.verify.asked) == 2  # the present one and the second turn's


def test_the_same_file_again_is_not_verified_again() -> None:
    studio = Studio(optimise=[propose("one # equal 1.0"), propose("one # equal 1.0")])
    found = studio.run(Bounds(turns=2, branches=1))
    assert "exactly the file of turn 1" in found.tries[1].trouble


@pytest.mark.parametrize("killed_at", [1, 2, 3, 4])
def test_a_run_that_was_killed_goes_on_and_pays_for_nothing_twice(killed_at: int) -> None:
    studio = Studio(optimise=[propose("one # equal 1.0"), propose("two # faster 2.0"), propose("three # equal 1.0")])
    studio.verify.killed_at = killed_at
    with pytest.raises(SystemExit):
        studio.run(Bounds(turns=3, branches=1))
    asked = list(studio.verify.asked)
    found = studio.run(Bounds(turns=3, branches=1))
    assert [one.source.split()[0] for one in found.tries] == ["one", "two", "three"]
    assert len(set(studio.verify.asked)) == 4
    assert studio.verify.asked == [*asked, *studio.verify.asked[-(5 - killed_at) :]]
    assert len(studio.verify.asked) == 5  # only the one that was under way is done again
    replies = [entry for entry in studio.notes.load("1/optimise#1") if isinstance(entry, Replied)]
    assert len(studio.heard) == len(replies) == 3
    assert [one.number for one in studio.told] == [1, 2, 3]


def test_a_machine_that_fails_is_tried_again_and_then_it_is_said() -> None:
    studio = Studio(faults=1, optimise=[propose("one # equal 1.0")])
    assert len(studio.run(Bounds(turns=1)).tries) == 1
    studio = Studio(faults=2, optimise=[propose("one # equal 1.0")])
    with pytest.raises(NotGradable, match="infra_error"):
        studio.run(Bounds(turns=1))


def test_a_machine_that_fails_later_costs_nothing_that_was_found() -> None:
    studio = Studio(faults=2, optimise=[propose("one # faster 2.0"), propose("two # faster 3.0")])
    studio.verify.failing_from = 3  # the present candidate, the first turn, then trouble
    found = studio.run(Bounds(turns=5, branches=1))
    assert (found.end, [one.source for one in found.winners]) == (End.not_gradable, ["one # faster 2.0"])
    assert found.reason == "nothing more could be found out: infra_error: why it is infra_error"
    assert len(studio.verify.asked) == 4
    again = studio.run(Bounds(turns=2, branches=1))  # by then the machine works: it goes on where it stood
    assert [one.source for one in again.winners] == ["two # faster 3.0", "one # faster 2.0"]


def test_a_machine_that_fails_before_any_verdict_is_said_though_turns_were_taken() -> None:
    studio = Studio(faults=2, optimise=[{"say": "I think it cannot be done."}, propose("two # faster 3.0")])
    studio.verify.failing_from = 2
    with pytest.raises(NotGradable, match="infra_error"):
        studio.run(Bounds(turns=5, branches=1))


def test_a_task_that_is_not_worth_grading_ends_it_at_once() -> None:
    studio = Studio(optimise=[])
    with pytest.raises(NotGradable, match="invalid_task"):
        studio.run(Bounds(turns=3), Subject("rows", "reference", "present # invalid_task"))
    assert len(studio.verify.asked) == 1
    assert studio.heard == []


def test_a_used_up_budget_ends_it_with_what_there_is() -> None:
    studio = Studio(usd=0, optimise=[propose("one # faster 2.0"), propose("two # faster 3.0")])
    studio.purse = Purse(Decimal("0.1"), 500_000)
    found = studio.run(Bounds(turns=9, branches=1))
    assert found.end is End.budget
    assert "money" in found.reason


def test_a_model_that_leaves_its_script_fails_loudly() -> None:
    studio = Studio(optimise=[propose("one # equal 1.0", expect="never said")])
    with pytest.raises(ModelRejected):
        studio.run(Bounds(turns=1))


def test_a_stop_ends_it_before_the_next_question() -> None:
    studio = Studio(optimise=[propose("one # equal 1.0")])
    with pytest.raises(Cancelled):
        studio.run(Bounds(turns=1), cancelled=lambda: True)
    assert studio.heard == []
