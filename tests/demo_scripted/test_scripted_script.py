"""What a script file may say, what is said about a wrong one, and which entry answers which request."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.scripted_script import TRANSPORT_FAULTS, ScriptError, Turn, fill, load, parse, search, slots

WRONG = [
    ("turns: [", ["not YAML"]),
    ("- a\n- b", ["must be a mapping"]),
    ("{}", ["either `turns:` or `phases:`"]),
    ("turns: [{say: a}]\nphases: {plan: [{say: b}]}", ["either `turns:` or `phases:`"]),
    ("turns:\n  - {say: a}\n  - {speak: b}", [":3:", "turn 2", "speak", "not permitted"]),
    ("turns:\n  - {delay_s: 1}", [":2:", "turn 1", "`say`, `call` or `fault`"]),
    ("phases:\n  plan:\n    - {say: ok}\n    - expect: '('\n      say: x", [":4:", "plan, turn 2", "not a regular"]),
    ("phases: {Plan: [{say: a}]}", ["'Plan' is not a window"]),
    ("phases: {repair#1: [{say: a}]}", ["'repair#1' is not a window"]),
    ("turns:\n  - call:\n      - {args: {}}", [":3:", "turn 1, call 1, tool", "Field required"]),
    ("turns:\n  - {fault: earthquake}", [":2:", "turn 1, fault", "rate_limit"]),
    ("turns:\n  - {expect: 'a(?P<id>b)', say: '{{ match.name }}'}", ["(?P<name>...)"]),
    ("turns:\n  - {say: a, delay_s: -1}", ["turn 1, delay_s", "greater than or equal to 0"]),
    ("turns: [{say: a}]\nprice: {input_per_million: 1}", ["price, output_per_million"]),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_script_is_refused_with_its_line_and_turn(text: str, said: list[str]) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(text, name="play.yaml")
    message = str(caught.value)
    assert message.startswith("play.yaml")
    for part in said:
        assert part in message


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ScriptError) as caught:
        parse("turns:\n  - {fault: earthquake}\n  - {say: 1}\n", name="play.yaml")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["play.yaml:2", "play.yaml:3"]


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"turns: [{say: \xe9}]")
    with pytest.raises(ScriptError, match="UTF-8"):
        load(tmp_path / "latin.yaml")


def test_expect_searches_over_lines() -> None:
    assert search("^second$", "first\nsecond\nthird")
    assert search("first.*third", "first\nsecond\nthird")
    assert not search("^rst", "first")


def test_variables_are_filled_wherever_they_stand() -> None:
    value = {"a": "id {{match.id}}", "b": [{"c": "{{ match.id }}{{ match.id }}"}], "n": 3}
    assert fill(value, {"id": "7"}) == {"a": "id 7", "b": [{"c": "77"}], "n": 3}


def play(turns: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    """Everything a client sees that repeats each position until it gets a reply: (fault, say) in order."""
    seen: list[tuple[str | None, str | None]] = []
    for slot in slots([Turn(**turn) for turn in turns]):
        for already in range(len(slot.faults) + 1):
            fault, reply, _ = slot.play(already)
            seen.append((fault, reply.say if reply else None))
    return seen


def test_a_fault_of_the_transport_takes_no_position() -> None:
    assert play([{"say": "a"}, {"fault": "rate_limit"}, {"fault": "timeout"}, {"say": "b"}]) == [
        (None, "a"),
        ("rate_limit", "b"),
        ("timeout", "b"),
        (None, "b"),
    ]


def test_a_fault_with_a_reply_is_played_before_its_own_reply() -> None:
    assert play([{"fault": "cut_stream", "say": "a"}, {"say": "b"}]) == [
        ("cut_stream", "a"),
        (None, "a"),
        (None, "b"),
    ]


def test_a_fault_in_the_message_is_a_reply() -> None:
    assert play([{"fault": "unknown_tool"}, {"say": "b"}]) == [(None, None), (None, "b")]


def test_a_script_that_ends_with_a_fault_has_a_place_without_reply() -> None:
    (slot,) = slots([Turn(fault="overloaded")])
    assert slot.play(0)[0] == "overloaded"
    assert slot.play(1) == (None, None, 1)


turns_strategy = st.lists(
    st.one_of(
        st.builds(Turn, say=st.text(min_size=1, max_size=5)),
        st.builds(Turn, fault=st.sampled_from(sorted(TRANSPORT_FAULTS))),
        st.builds(Turn, fault=st.sampled_from(["malformed_arguments", "unknown_tool"])),
    ),
    max_size=12,
)


@given(turns_strategy)
def test_every_entry_is_played_exactly_once_in_order(turns: list[Turn]) -> None:
    entries = []
    for slot in slots(turns):
        for already in range(len(slot.faults) + (slot.reply is not None)):
            entries.append(slot.play(already)[2])
    assert entries == list(range(1, len(turns) + 1))
