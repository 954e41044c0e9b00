"""The scripted model over real HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.scripted_model import DEFAULT_SUMMARY, ScriptedModel
from demo.scripted_script import parse

Json = dict[str, Any]


class Client:
    def __init__(self, model: ScriptedModel, base_url: str, key: str) -> None:
        self.model = model
        self.http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=5)

    def ask(self, window: str, *messages: tuple[str, str], stream: bool = False) -> httpx.Response:
        listed = [{"role": role, "content": text} for role, text in messages]
        return self.http.post("/chat/completions", json={"model": window, "messages": listed, "stream": stream})

    def say(self, window: str, *messages: tuple[str, str]) -> str:
        reply = self.ask(window, *messages)
        reply.raise_for_status()
        content: str = reply.json()["choices"][0]["message"]["content"]
        return content


@contextmanager
def served(text: str) -> Iterator[Client]:
    model = ScriptedModel(parse(text))
    with model.serve() as server:
        client = Client(model, server.base_url, server.api_key)
        with client.http:
            yield client


START = (("system", "rules"), ("user", "task"))
LATER = (*START, ("assistant", "one"), ("user", "more"))


def test_a_wrong_key_is_refused_and_nothing_is_played() -> None:
    with served("turns: [{say: a}]") as client:
        for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
            reply = client.http.post("/chat/completions", json={"model": "m", "messages": []}, headers=headers)
            assert reply.status_code == 401
            assert reply.json()["error"]["code"] == "invalid_api_key"
        assert client.http.get("/models", headers={"Authorization": ""}).status_code == 401
        assert client.model.exchanges == []


def test_models_are_the_windows() -> None:
    with served("phases: {plan: [{say: a}], 'repair#2': [{say: b}]}") as client:
        assert [entry["id"] for entry in client.http.get("/models").json()["data"]] == ["plan", "repair#2"]
        assert client.http.get("/nothing").status_code == 404


def test_what_is_no_chat_request_is_refused() -> None:
    with served("turns: [{say: a}]") as client:
        assert client.http.post("/embeddings", json={}).status_code == 404
        assert client.http.post("/chat/completions", content=b"{").status_code == 400
        assert client.http.post("/chat/completions", content=b"[]").status_code == 400
        assert client.http.post("/chat/completions", json={"model": "m", "messages": []}).status_code == 400


def test_the_position_comes_from_the_request_so_a_new_server_goes_on() -> None:
    script = "phases: {plan: [{say: first}, {say: second}]}"
    with served(script) as client:
        assert client.say("plan", *START) == "first"
    with served(script) as client:
        assert client.say("plan", *LATER) == "second"
        assert client.say("plan", *LATER) == "second"
        assert client.say("plan", *START) == "first"


def test_a_summary_stands_for_the_steps_it_names() -> None:
    with served("phases: {plan: [{say: a}, {say: b}, {say: c}, {say: d}]}") as client:
        shortened = (*START, ("user", '<summary steps="2">\nwhat was done\n</summary>'))
        assert client.say("plan", *shortened) == "c"
        assert client.say("plan", *shortened, ("assistant", "c"), ("user", "x")) == "d"


def test_the_summary_window_needs_no_script_but_may_have_one() -> None:
    with served("turns: [{say: a}]") as client:
        assert client.say("summary", *START) == DEFAULT_SUMMARY
        assert client.say("plan", *START) == "a"
    with served("phases: {plan: [{say: a}], summary: [{say: mine}]}") as client:
        assert client.say("summary", *START) == "mine"


def test_expect_sees_everything_since_the_model_spoke_and_its_groups_fill_the_reply() -> None:
    script = r"""
phases:
  review:
    - expect: 'Comment (?P<id>\d+)'
      say: answering {{ match.id }}
      call: [{tool: submit, args: {replies: [{comment_id: '{{match.id}}'}]}}]
"""
    with served(script) as client:
        message = client.ask("review", *START[:1], ("user", "Comment 42 on x"), ("user", "a nudge")).json()
        message = message["choices"][0]["message"]
        assert message["content"] == "answering 42"
        assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"replies": [{"comment_id": "42"}]}


MISMATCHES = [
    ("phases: {plan: [{expect: yes, say: a}]}", "plan", START, ["window 'plan'", "entry 1", "/yes/", "task"]),
    ("phases: {plan: [{say: a}]}", "plan", LATER, ["position 1", "only 1 replies"]),
    ("phases: {plan: [{say: a}]}", "repair#2", START, ["no window of this name", "plan"]),
    ("turns: [{say: a}, {say: b}]", "plan", LATER, ["cannot be resumed"]),
    ("turns: [{say: a, expect: system}]", "plan", (("system", "system"), ("user", "x")), ["/system/"]),
]


@pytest.mark.parametrize(("script", "window", "messages", "said"), MISMATCHES)
def test_what_the_script_does_not_foresee_fails_loudly(
    script: str, window: str, messages: tuple[tuple[str, str], ...], said: list[str]
) -> None:
    with served(script.replace("yes", "'yes'")) as client:
        reply = client.ask(window, *messages)
        assert reply.status_code == 400
        error = reply.json()["error"]
        assert error["code"] == "script_mismatch"
        assert [error["message"]] == client.model.mismatches
        for part in said:
            assert part in error["message"]
        assert [exchange.outcome for exchange in client.model.exchanges] == ["mismatch"]


def test_a_flat_script_goes_on_from_window_to_window() -> None:
    with served("turns: [{say: a}, {say: b}, {fault: overloaded}, {say: c}, {say: d}]") as client:
        assert client.say("research", *START) == "a"
        assert client.say("research", *LATER) == "b"
        assert client.ask("plan", *START).status_code == 529
        assert client.say("plan", *START) == "c"
        assert client.say("implement", *START) == "d"
        assert client.say("plan", *START) == "c"
        assert client.ask("repair", *START).json()["error"]["code"] == "script_mismatch"


def test_faults_are_played_once_each_per_conversation() -> None:
    with served("phases: {plan: [{fault: rate_limit}, {fault: context_exceeded}, {say: a}]}") as client:
        limited = client.ask("plan", *START)
        assert limited.status_code == 429
        assert float(limited.headers["retry-after"]) > 0
        exceeded = client.ask("plan", *START)
        assert (exceeded.status_code, exceeded.json()["error"]["code"]) == (400, "context_length_exceeded")
        assert client.say("plan", *START) == "a"
        other = (("system", "rules"), ("user", "another task"))
        assert client.ask("plan", *other).status_code == 429
        log = [(exchange.entry, exchange.outcome) for exchange in client.model.exchanges]
        assert log == [(1, "fault"), (2, "fault"), (3, "reply"), (1, "fault")]


def test_a_timeout_never_answers_and_ends_when_the_client_hangs_up() -> None:
    with served("phases: {plan: [{fault: timeout}, {say: a}]}") as client:
        with pytest.raises(httpx.ReadTimeout):
            client.http.post(
                "/chat/completions",
                json={"model": "plan", "messages": [{"role": "user", "content": "x"}]},
                timeout=0.2,
            )
        assert client.say("plan", ("user", "x")) == "a"


def test_serving_ends_although_a_client_still_waits() -> None:
    with served("phases: {plan: [{fault: timeout}]}") as client:
        process = subprocess.Popen(
            [sys.executable, "-c", WAITER, str(client.http.base_url), client.http.headers["authorization"]]
        )
        deadline = time.monotonic() + 30
        while not client.model.exchanges:
            assert process.poll() is None
            assert time.monotonic() < deadline
    assert process.wait(10) == 7


WAITER = """
import json, sys, urllib.request
body = json.dumps({"model": "plan", "messages": [{"role": "user", "content": "x"}]}).encode()
request = urllib.request.Request(sys.argv[1].rstrip("/") + "/chat/completions", body, {"Authorization": sys.argv[2]})
try:
    urllib.request.urlopen(request, timeout=60)
except OSError:
    sys.exit(7)
"""


def events(reply: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in reply.iter_lines() if line]


def test_a_stream_adds_up_to_the_plain_reply() -> None:
    script = f"phases: {{plan: [{{say: {'long ' * 100}, call: [{{tool: run, args: {{command: {'x' * 300}}}}}]}}]}}"
    with served(script) as client:
        plain = client.ask("plan", *START).json()
        lines = events(client.ask("plan", *START, stream=True))
        assert lines[-1] == "[DONE]"
        chunks = [json.loads(line) for line in lines[:-1]]
        choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        calls = [call for choice in choices for call in choice["delta"].get("tool_calls", [])]
        message = plain["choices"][0]["message"]
        assert text == message["content"]
        assert (
            "".join(call["function"]["arguments"] for call in calls)
            == (message["tool_calls"][0]["function"]["arguments"])
        )
        assert calls[0]["id"] == message["tool_calls"][0]["id"]
        assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["tool_calls"]
        assert chunks[-1]["usage"] == plain["usage"]
        assert len(choices) > 5


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_stream_breaks_off_in_the_middle(stream: bool) -> None:
    with served("phases: {plan: [{fault: cut_stream}, {say: whole}]}") as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.ask("plan", *START, stream=stream)
        assert client.say("plan", *START) == "whole"


def test_usage_follows_the_length() -> None:
    with served("phases: {plan: [{say: abcdefgh}]}") as client:
        small = client.ask("plan", ("user", "x" * 40)).json()["usage"]
        large = client.ask("plan", ("user", "x" * 4000)).json()["usage"]
        assert (small["prompt_tokens"], large["prompt_tokens"]) == (10, 1000)
        assert small["completion_tokens"] == 2
        assert small["total_tokens"] == 12


def test_message_faults_are_real_messages() -> None:
    script = """
phases:
  plan:
    - {fault: malformed_arguments}
    - {fault: malformed_arguments, call: [{tool: read, args: {path: a.py}}]}
    - {fault: unknown_tool}
    - {fault: unknown_tool, call: [{tool: read, args: {path: a.py}}]}
"""
    with served(script) as client:
        functions = []
        history: tuple[tuple[str, str], ...] = START
        for _ in range(4):
            message = client.ask("plan", *history).json()["choices"][0]["message"]
            functions.append(message["tool_calls"][0]["function"])
            history = (*history, ("assistant", "x"), ("user", "y"))
        for function in functions[:2]:
            with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
                json.loads(function["arguments"])
        assert functions[1]["name"] == "read"
        assert json.loads(functions[2]["arguments"]) == {}
        assert functions[3]["name"] == "read_unknown"


def test_the_log_and_the_server_show_no_key() -> None:
    with served("turns: [{say: a}]") as client:
        client.say("plan", *START)
        key = client.http.headers["authorization"].removeprefix("Bearer ")
        assert key not in repr(client.model.exchanges)
        assert key not in repr(client.model.mismatches)


def test_the_command_serves_a_file(tmp_path: Path) -> None:
    (tmp_path / "play.yaml").write_text("turns: [{say: hello}]")
    environment = {**os.environ, "FORGEHAND_SCRIPTED_KEY": "from-the-environment"}
    command = [sys.executable, "-m", "demo.scripted_model", str(tmp_path / "play.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        body = {"model": "plan", "messages": [{"role": "user", "content": "x"}]}
        headers = {"Authorization": "Bearer from-the-environment"}
        reply = httpx.post(f"{url}/chat/completions", json=body, headers=headers)
        assert reply.json()["choices"][0]["message"]["content"] == "hello"
        process.terminate()
        assert "from-the-environment" not in process.stdout.read()


def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "play.yaml").write_text("turns: [{}]")
    command = [sys.executable, "-m", "demo.scripted_model", str(tmp_path / "play.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "play.yaml:1" in done.stderr
