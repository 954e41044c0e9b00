"""The state of a window as a fold over its journal, and the conversation drawn from it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import pacing, stuck
from agent.contract import ExitStatus, Limits, Phase
from agent.journal import (
    Attempt,
    Closed,
    Compacted,
    Entry,
    Noted,
    Nudged,
    Observed,
    Opened,
    Replied,
    Reply,
    ToolCall,
    from_json,
    to_json,
)
from agent.window import Window


def reply(*names: str, text: str = "", arguments: str = "{}", **more: Any) -> Replied:
    calls = tuple(ToolCall(id=f"c{place}", name=name, arguments=arguments) for place, name in enumerate(names))
    values: dict[str, Any] = {
        "text": text,
        "calls": calls,
        "finish_reason": "stop",
        "model": "m",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cost_usd": Decimal("0.01"),
        "seconds": 1.0,
    }
    return Replied(reply=Reply(**{**values, **more}))


def observed(index: int = 0, text: str = "ok", **more: Any) -> Observed:
    values: dict[str, Any] = {"index": index, "tool": "read", "text": text, "ok": True, "digest": stuck.digest(text)}
    return Observed(**{**values, **more})


def window(*entries: Entry) -> Window:
    state = Window()
    for entry in (Opened(phase="implement", system="rules", brief="brief"), *entries):
        state.apply(entry)
    return state


def steps(count: int, text: str = "x" * 500) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(count):
        entries += [reply("read", arguments=json.dumps({"path": str(number)})), observed(text=f"{number} {text}")]
    return entries


def roles(state: Window) -> str:
    return " ".join(message["role"] for message in state.messages())


def test_a_new_window_has_its_two_messages() -> None:
    assert not Window().opened
    assert window().messages() == [{"role": "system", "content": "rules"}, {"role": "user", "content": "brief"}]


def test_calls_and_results_are_paired_by_id() -> None:
    state = window(reply("read", "run", text="both"), observed(1, "second"), observed(0, "first"))
    _, _, assistant, *tools = state.messages()
    assert [call["id"] for call in assistant["tool_calls"]] == ["c0", "c1"]
    assert [(tool["tool_call_id"], tool["content"]) for tool in tools] == [("c0", "first"), ("c1", "second")]
    assert state.pending == []


def test_what_has_no_result_is_pending() -> None:
    state = window(reply("read", "run", "submit"), observed(0))
    assert [(place, call.name) for place, call in state.pending] == [(1, "run"), (2, "submit")]


def test_a_result_without_a_reply_is_a_broken_journal() -> None:
    with pytest.raises(ValueError, match="out of order"):
        window(observed())


@pytest.mark.parametrize("arguments", ["{", "[1]", "3", ""])
def test_arguments_that_are_no_json_object_are_not_sent_back(arguments: str) -> None:
    state = window(reply("read", arguments=arguments), observed())
    assert state.messages()[2]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_an_empty_reply_is_still_a_message() -> None:
    assert window(reply()).messages()[2]["content"] == "(empty reply)"


def test_green_runs_count_only_after_the_last_edit() -> None:
    edited: list[Entry] = [reply("run"), observed(green="t"), reply("edit"), observed(edited=True)]
    assert not window(*edited).verified
    state = window(*edited, reply("run"), observed(green=" t "))
    assert state.verified
    assert state.green_since_edit("t")
    assert not state.green_since_edit("u")


def test_money_tokens_and_fallbacks_add_up() -> None:
    failed = (Attempt(model="a", fault="overloaded", detail="d"),)
    state = window(reply(failed_tokens=7), reply(cost_usd=None), reply(fallback_for="a", attempts=failed, model="b"))
    state.apply(Compacted(how="summary", text="s", tokens=4, cost_usd=Decimal("0.5")))
    assert (state.steps, state.tokens, state.unpriced) == (3, 56, 1)
    assert state.cost == Decimal("0.52")
    assert state.models == ["m", "b"]
    assert state.fallbacks == ["step 3: b stood in for a (a: overloaded)"]


def test_a_mask_hides_old_long_results_and_only_those() -> None:
    state = window(*steps(3), reply("read"), observed(text="short"))
    assert state.maskable(1) == 3
    state.apply(Compacted(how="mask", observations=2))
    contents = [message["content"] for message in state.messages() if message["role"] == "tool"]
    assert contents[0] == "[old output of read left out: 1 lines; call it again if you need it]"
    assert contents[2].startswith("2 x")
    assert state.maskable(2) == 0
    assert window(*steps(3, "tiny")).maskable(0) == 0


def test_a_summary_replaces_all_but_the_newest_steps_and_keeps_what_people_said() -> None:
    state = window(*steps(2), Noted(note_id="n", text="bob says hi"), *steps(3))
    state.apply(Compacted(how="summary", kept=2, text="what was done"))
    assert roles(state) == "system user user assistant tool assistant tool"
    summary = state.messages()[2]["content"]
    assert summary.startswith('<summary steps="3">\nwhat was done')
    assert "bob says hi" in summary
    state.apply(Compacted(how="summary", kept=0, text="all of it"))
    assert roles(state) == "system user user"
    assert '<summary steps="5">' in state.messages()[2]["content"]
    assert state.note_ids == {"n"}


def test_a_brief_can_be_shortened() -> None:
    state = window()
    state.apply(Opened(phase="plan", system="s", brief="a" * 1000 + "z" * 1000))
    state.apply(Compacted(how="shorten", chars=500))
    assert 500 <= len(state.brief) < 600
    assert "characters left out" in state.brief
    assert state.brief.endswith("z" * 100)


def test_a_submission_closes_the_window_with_its_observation() -> None:
    state = window(reply("submit", "run"), observed(submission={"a": 1}))
    assert (state.closed, state.data, state.pending) == (ExitStatus.submitted, {"a": 1}, [])
    flagged = window(reply("flag_for_human"), observed(flag="which one?"))
    assert (flagged.closed, flagged.reason) == (ExitStatus.needs_human, "which one?")


# ---- when the loop speaks up


def nudge(state: Window, **limits: Any) -> str | None:
    said = pacing.interruption(state, Phase.implement, Limits(**limits))
    return None if said is None else said.pattern if isinstance(said, Nudged) else f"closed: {said.status}"


SAME: list[Entry] = [reply("read"), observed()]
FAILED: list[Entry] = [reply("run"), observed(ok=False, text="exit status 1, 0.03 s")]
FAILED_SLOWLY: list[Entry] = [reply("run"), observed(ok=False, text="exit status 1, 4.21 s")]
OTHER: list[Entry] = [reply("run"), observed(text="other")]
MALFORMED: list[Entry] = [reply("run"), observed(ok=False, malformed=True)]
CIRCLE = Nudged(pattern="circle", text="t")

SPEAKING: list[tuple[str, list[Entry], str | None]] = [
    ("at the beginning", [], None),
    ("three times the same", SAME * 3, None),
    ("four times the same", SAME * 4, "circle"),
    ("two failures", FAILED * 2, None),
    ("three failures that differ in duration", [*FAILED, *FAILED_SLOWLY, *FAILED], "circle"),
    ("five in turns", [*SAME, *OTHER] * 2 + SAME, None),
    ("six in turns", [*SAME, *OTHER] * 3, "circle"),
    ("right after the warning", [*SAME * 4, CIRCLE], None),
    ("something new after the warning", [*SAME * 4, CIRCLE, *OTHER], None),
    ("the same again after the warning", [*SAME * 4, CIRCLE, *SAME], "closed: stuck"),
    ("one reply without a call", [reply(text="hm")], "monologue"),
    ("one cut off", [reply(text="hm", finish_reason="length")], "cut_off"),
    ("three without a call", [reply(text="hm"), reply(text="hm"), reply(text="hm")], "closed: stuck"),
    ("two malformed", MALFORMED * 2, None),
    ("three malformed", MALFORMED * 3, "closed: repeated_format_error"),
    ("malformed, but not in a row", [*MALFORMED, *OTHER, *MALFORMED, *MALFORMED], None),
]


@pytest.mark.parametrize(("name", "entries", "expected"), SPEAKING)
def test_when_the_loop_speaks_up(name: str, entries: list[Entry], expected: str | None) -> None:
    assert nudge(window(*entries)) == expected


def test_looking_without_editing_is_remarked_every_fifteen_steps() -> None:
    looking = [
        entry if entry.kind != "observed" else entry.model_copy(update={"read_only": True}) for entry in steps(15)
    ]
    state = window(*looking)
    assert nudge(state) == "reading"
    assert pacing.interruption(state, Phase.research, Limits()) is None
    state.apply(Nudged(pattern="reading", text="t"))
    for entry in looking[:6]:
        state.apply(entry)
    assert nudge(state) is None
    assert nudge(window(*looking, reply("edit"), observed(edited=True))) is None


def test_the_end_is_announced_once() -> None:
    state = window(*steps(5))
    assert nudge(state, steps=10) == "ending"
    state.apply(Nudged(pattern="ending", text="t"))
    state.apply(reply("read"))
    state.apply(observed(text="new"))
    assert nudge(state, steps=10) is None


# ---- when the conversation is shortened


def test_results_are_masked_in_blocks() -> None:
    masks = []
    state = window()
    for number, entry in enumerate(steps(45)):
        state.apply(entry)
        how = pacing.compaction(state, 1000, 50_000)
        if isinstance(how, Compacted):
            state.apply(how)
            masks.append((number // 2 + 1, how.observations))
    assert masks == [(20, 10), (30, 20), (40, 30)]


def test_past_the_soft_limit_results_are_masked_first_then_summarised() -> None:
    state = window(*steps(12))
    first = pacing.compaction(state, 60_000, 50_000)
    assert first == Compacted(how="mask", observations=2)
    state.apply(Compacted(how="mask", observations=2))
    assert pacing.compaction(state, 60_000, 50_000) == "summary"
    assert pacing.compaction(state, 40_000, 50_000) is None
    assert pacing.compaction(window(*steps(3)), 60_000, 50_000) is None
    assert pacing.kept_by_summary(state) == 2
    assert pacing.kept_by_summary(window(*steps(1))) == 0


def test_the_soft_limit() -> None:
    assert pacing.soft_limit(100_000) == 40_000
    assert pacing.soft_limit(1_000_000) == 60_000


def test_a_refusal_as_too_long_is_answered_with_ever_stronger_means() -> None:
    state = window(*steps(5))
    means = []
    for _ in range(10):
        how = pacing.forced_compaction(state)
        if isinstance(how, str):
            how = Compacted(how="summary", forced=True, kept=pacing.kept_by_summary(state), text="s")
        means.append(how.how if isinstance(how, Compacted) else how.status)
        state.apply(how)
        if isinstance(how, Closed):
            break
    assert means == ["mask", "summary", "mask", "context_window"]
    assert state.closed is ExitStatus.context_window


# ---- the journal's form

texts = st.text(max_size=20)
names = st.sampled_from(["read", "run", "submit"])
calls = st.lists(st.builds(ToolCall, id=texts, name=names, arguments=texts), max_size=3).map(tuple)
entries = st.one_of(
    st.builds(Opened, phase=texts, system=texts, brief=texts),
    st.builds(Noted, note_id=texts, text=texts),
    st.builds(Nudged, pattern=texts, text=texts),
    st.builds(Observed, index=st.integers(0, 9), tool=names, text=texts, ok=st.booleans(), digest=texts),
    st.builds(Compacted, how=st.just("mask"), observations=st.integers(0, 99), cost_usd=st.decimals(0, 9, places=9)),
    st.builds(Closed, status=st.just("stuck"), reason=texts),
    st.builds(
        Replied,
        reply=st.builds(
            Reply,
            text=texts,
            calls=calls,
            finish_reason=texts,
            model=texts,
            prompt_tokens=st.integers(0, 10**9),
            completion_tokens=st.integers(0, 10**9),
            cost_usd=st.one_of(st.none(), st.decimals(0, 10, places=12)),
            seconds=st.floats(0, 1e6),
        ),
    ),
)


@given(entries)
def test_an_entry_survives_json(entry: Entry) -> None:
    assert from_json(to_json(entry)) == entry


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "unheard"}', '{"kind": "noted"}', "[]"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json(text)
