"""What models and their providers do wrong, on the shop floor: the task goes on, or ends with a reason to act on."""

import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from settings.model import Price
from tests.workers.floor import Floor, durations_script, furnished_floor

TRANSPORT = ("rate_limit", "overloaded", "timeout", "cut_stream")


def troubled_script() -> dict[str, Any]:
    """The sample's script with every fault that a task must survive, spread over its first windows."""
    script = durations_script()
    phases = script["phases"]
    phases["research"] = [
        {"fault": "rate_limit"},
        phases["research"][0],
        {"fault": "overloaded"},
        *phases["research"][1:],
    ]
    phases["plan"] = [
        {"fault": "malformed_arguments", "call": [{"tool": "read", "args": {"path": "README.md"}}]},
        *phases["plan"],
    ]
    phases["implement"] = [
        {"fault": "timeout"},
        phases["implement"][0],
        {"fault": "cut_stream"},
        *phases["implement"][1:],
    ]
    phases["prove"] = [
        {"fault": "unknown_tool", "call": [{"tool": "read", "args": {"path": "README.md"}}]},
        *phases["prove"],
    ]
    return script


def ended(floor: Floor, stage: str, why: str) -> None:
    """The task ended so, and its comment says why; nothing was published."""
    task = floor.task()
    assert (task.stage, task.finished_at is not None) == (stage, True), task.reason
    assert re.search(why, task.reason or ""), task.reason
    (comment,) = floor.comments()
    assert re.search(why, comment["body"].replace("\\", "")), comment["body"]
    assert floor.pulls() == []


def test_faults_that_a_task_survives(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=troubled_script(), model_timeout_s=2.0) as floor:
        floor.assign()
        task = floor.run("watching_ci")
        assert task.stage == "watching_ci", task.reason
        played = [one.fault for one in floor.model.exchanges if one.fault]
        assert sorted(played) == sorted(TRANSPORT)
        assert floor.model.mismatches == []
        assert len(floor.pulls()) == 1


def test_a_script_that_does_not_fit_ends_the_task(tmp_path: Path) -> None:
    script = durations_script()
    script["phases"]["research"][1]["expect"] = "never to be found"
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        floor.run()
        ended(floor, "failed", "script mismatch, window 'research', position 1.*never to be found")


def test_a_conversation_that_was_refused_as_too_long_is_shortened(tmp_path: Path) -> None:
    script = durations_script()
    turns = script["phases"]["implement"]
    script["phases"]["implement"] = [*turns[:2], {"fault": "context_exceeded"}, *turns[2:]]
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        task = floor.run("watching_ci")
        assert task.stage == "watching_ci", task.reason
        assert [one.fault for one in floor.model.exchanges if one.fault] == ["context_exceeded"]
        assert floor.model.mismatches == []


def test_a_conversation_that_stays_too_long_ends_the_task(tmp_path: Path) -> None:
    script = durations_script()
    script["phases"]["research"] = [{"fault": "context_exceeded"}] * 8 + script["phases"]["research"]
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        floor.run()
        ended(floor, "failed", "(?i)context|too long")


def test_a_key_that_is_refused_ends_the_task(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_api_key=SecretStr("sk-not-the-right-one")) as floor:
        floor.assign()
        floor.run()
        ended(floor, "failed", "(?i)refused.*key")
        assert "sk-not-the-right-one" not in floor.comments()[0]["body"]


def test_a_model_that_never_answers_is_replaced_and_that_is_shown(tmp_path: Path) -> None:
    script = durations_script()
    script["phases"]["broken"] = [{"fault": "overloaded"}] * 40
    prices = {name: Price(input_per_million=3, output_per_million=15) for name in ("openai/broken", "openai/{window}")}
    with furnished_floor(
        tmp_path, script=script, model="openai/broken", model_fallbacks=("openai/{window}",), model_prices=prices
    ) as floor:
        floor.assign()
        floor.run("proving", "watching_ci", within_s=200)
        told = [event.data["line"] for event in floor.log() if event.kind == "fallback"]
        assert told
        assert "openai/broken" in told[0]
        assert "openai/research" in floor.task().data["models"]
        assert "openai/research" in floor.comments()[0]["body"].replace("\\", "")
