"""Every pair of stages, against a second drawing of the picture in docs/architecture.md."""

import itertools

import pytest

from store.stages import TERMINAL, IllegalMove, Stage, check_move

PICTURE = """
received     -> triaged explaining
triaged      -> researching revising implementing
researching  -> planning
planning     -> implementing
implementing -> proving
proving      -> publishing implementing
publishing   -> watching_ci
watching_ci  -> repairing in_review revising
repairing    -> proving watching_ci
in_review    -> revising watching_ci
revising     -> proving watching_ci in_review
explaining   ->
"""
ENDS = {"done", "failed", "cancelled", "needs_human"}
ARROWS = {
    (here.strip(), there)
    for here, _, theres in (line.partition("->") for line in PICTURE.split("\n") if line)
    for there in [*theres.split(), *sorted(ENDS)]
}


def test_the_picture_names_every_stage() -> None:
    assert {stage for arrow in ARROWS for stage in arrow} == {str(stage) for stage in Stage}
    assert {str(stage) for stage in TERMINAL} == ENDS


@pytest.mark.parametrize(("here", "there"), list(itertools.product(Stage, Stage)))
def test_moves(here: Stage, there: Stage) -> None:
    if (here, there) in ARROWS:
        check_move(here, there)
    else:
        with pytest.raises(IllegalMove, match=here):
            check_move(here, there)


def test_an_end_can_be_reached_from_every_stage_and_every_stage_from_the_start() -> None:
    reached = {"received"}
    while further := {there for here, there in ARROWS if here in reached} - reached:
        reached |= further
    assert reached == {str(stage) for stage in Stage}
