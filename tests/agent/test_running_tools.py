"""Running commands in a real box."""

import threading
import time
from typing import Any

import pytest

from agent.model import Cancelled
from agent.tools import RUNNING, Desk, Observation
from sandboxes import Box
from tests.agent.bench import Stop

(RUN,) = RUNNING


def run(box: Box, command: str, *, limit: float = 20.0, stop: Stop | None = None, **more: Any) -> Observation:
    return RUN.handler(Desk(box, limit, stop or Stop()), RUN.arguments.model_validate({"command": command, **more}))


def test_status_and_output_are_shown(box: Box) -> None:
    good = run(box, "echo out; echo err >&2; pwd")
    assert good.text.startswith("exit status 0, ")
    assert good.text.splitlines()[2:5] == ["out", "err", "/work"]
    assert (good.command, good.exit_code, good.ok) == ("echo out; echo err >&2; pwd", 0, True)
    bad = run(box, "exit 3")
    assert bad.text.startswith("exit status 3")
    assert "(no output)" in bad.text
    assert not bad.ok


def test_quotes_and_dollars_reach_the_shell_as_written(box: Box) -> None:
    text = run(box, """x='a "b" $HOME'; echo "$x" '$0' "`echo c`" """).text
    assert """a "b" $HOME $0 c""" in text


def test_a_command_that_takes_too_long_is_killed(box: Box) -> None:
    began = time.monotonic()
    answer = run(box, "echo begun; sleep 60", timeout_s=0.5)
    assert time.monotonic() - began < 10
    assert answer.text.startswith("killed after 0.5 s")
    assert "begun" in answer.text
    assert answer.exit_code is None
    assert run(box, "echo still here").ok


def test_the_windows_limit_stays_above_the_models_wish(box: Box) -> None:
    assert "killed after 0.3 s" in run(box, "sleep 60", limit=0.3, timeout_s=1000).text


def test_long_output_is_kept_in_the_box_with_a_pointer(box: Box) -> None:
    answer = run(box, "seq 1 20000")
    assert len(answer.text) < 11_000
    assert answer.text.splitlines()[2] == "1"
    assert "20000\n</data" in answer.text
    assert "characters left out; the whole is in /" in answer.text
    path = answer.text.split("the whole is in ")[1].split(";")[0]
    assert run(box, f"sed -n 777p {path}").text.splitlines()[2] == "777"
    assert dict(box.get_changes()) == {}
    again = run(box, "seq 1 30000")
    assert again.ok


def test_bytes_that_are_not_text_are_shown_and_marked(box: Box) -> None:
    answer = run(box, r"printf 'caf\351\n'")
    assert "caf\ufffd" in answer.text
    assert "not UTF-8" in answer.text


def test_output_beyond_measure_keeps_head_and_tail(box: Box) -> None:
    answer = run(box, "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert "its middle is lost" in answer.text
    assert "first" in answer.text
    assert "last" in answer.text
    assert len(answer.text) < 12_000


def test_being_cancelled_ends_a_command_at_once(box: Box) -> None:
    stop = Stop()
    threading.Timer(0.3, stop.event.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run(box, "sleep 60", stop=stop)
    assert time.monotonic() - began < 10
