"""The sticky comment: nothing people or models wrote comes alive in it, and GitHub takes it whatever its plan."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import TERMINAL, Stage
from store.budgets import Spending
from store.events import Event
from workers import status

# https://docs.github.com/en/rest/issues/comments: "body is too long (maximum is 65536 characters)"
GITHUB_COMMENT_CHARS = 65_536

PICTURE = status.Picture(
    stage=Stage.IMPLEMENTING,
    reason=None,
    asked_by="maria",
    trigger="assigned",
    base_branch="main",
    base_why="the default branch",
    isolation="bubblewrap",
    models=["scripted:durations.script.yml"],
    spending=Spending(12_000_000, 4_000, 7),
    limit_usd_nanos=5_000_000_000,
    limit_steps=250,
    active_seconds=12.4,
    pull_number=None,
    head_sha=None,
    plan=None,
    proof=None,
    events=[],
    left_out=[],
    saved_patch=False,
    in_line=None,
)


def been(*stages: Stage) -> list[Event]:
    return [Event(number, float(number), "stage", stage, {}) for number, stage in enumerate(stages, start=1)]


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_its_headline(stage):
    assert status.draw_comment(replace(PICTURE, stage=stage)).startswith(f"**{status.HEADLINES[stage]}**")


@pytest.mark.parametrize("stage", sorted(TERMINAL))
def test_an_end_says_why_and_how_to_go_on(stage):
    text = status.draw_comment(replace(PICTURE, stage=stage, reason="CI has not come to an end"))
    assert "CI has not come to an end" in text
    assert "/forgehand retry" in text


def test_steps_left_behind_are_ticked_and_the_present_one_is_marked():
    picture = replace(PICTURE, events=been(Stage.RESEARCHING, Stage.PLANNING, Stage.IMPLEMENTING))
    text = status.draw_comment(picture)
    assert "- [x] Research\n- [x] Plan\n- [ ] Change (now)\n- [ ] Proof\n" in text


def test_an_end_leaves_the_step_it_interrupted_open():
    events = been(Stage.RESEARCHING, Stage.PLANNING, Stage.IMPLEMENTING, Stage.CANCELLED)
    text = status.draw_comment(replace(PICTURE, stage=Stage.CANCELLED, events=events))
    assert "- [x] Plan\n- [ ] Change\n" in text


def test_no_isolation_is_said_in_bold():
    assert "**none: commands run unisolated" in status.draw_comment(replace(PICTURE, isolation="none"))


@given(st.text(max_size=200))
def test_no_text_mentions_links_or_breaks_the_table(text):
    drawn = status.quiet(text)
    assert "\n" not in drawn
    assert "<" not in drawn
    assert all(drawn[at + 1 : at + 2] == "\u200b" for at, sign in enumerate(drawn) if sign in "@#")
    assert all(at > 0 and drawn[at - 1] == "\\" for at, sign in enumerate(drawn) if sign == "|")


@pytest.mark.parametrize("draw", [status.draw_comment, status.draw_check_text])
def test_a_huge_plan_still_fits(draw):
    events = [Event(number, 0.0, "progress", Stage.PLANNING, {"line": "x" * 300}) for number in range(500)]
    left_out = [f".github/workflows/{'w' * 200}{number}.yml" for number in range(1_000)]
    picture = replace(
        PICTURE, stage=Stage.FAILED, left_out=left_out, plan="a step of the plan\n" * 20_000, events=events
    )
    text = draw(replace(picture, reason="why " * 50_000))
    assert len(text) < GITHUB_COMMENT_CHARS - 1_000
    assert "and 980 more" in text


def test_a_kernel_made_faster_has_no_research_and_no_plan() -> None:
    kernel = replace(PICTURE, optimizes="kernels/rows.py")
    drawn = status.draw_comment(kernel)
    assert "| Kernel | `kernels/rows.py` |" in drawn
    assert "Research" not in drawn
    assert "Plan" not in drawn
    assert "Comment to steer" not in drawn  # nobody in the loop would read it
    assert "Comment to steer" in status.draw_comment(replace(kernel, pull_number=7))
