"""The measure of the loop's cost measures: not how fast, which a shared machine cannot tell, but what."""

from evals.agent_loop import measure, script


def test_a_short_measurement() -> None:
    figures = measure(steps=12, tasks=2)
    assert figures["steps"] == 12
    parts = [figures[key] for key in ("loop_ms_per_step", "journal_ms", "client_ms", "cpu_ms", "model_ms", "box_ms")]
    assert all(part > 0 for part in parts)
    assert figures["journal_ms"] < figures["loop_ms_per_step"]
    memory = figures["memory_mb"]
    assert 0 < memory["before_litellm"] <= memory["one_task"]


def test_the_script_never_asks_for_the_same_twice() -> None:
    calls = [str(turn["call"]) for turn in script(200)["phases"]["implement"]]
    assert len(set(calls)) == len(calls) == 200
