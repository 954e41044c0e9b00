"""`@forgehand explain`: asked in a comment, answered in one, against the twin, a real mirror and a real index."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import httpx
import pytest

from store import Stage, budgets
from tests.workers.floor import Floor, durations_script, furnished_floor
from workers import localising
from workers.stages import explaining

LINK = re.compile(r"\]\((https?://[^)\s]+)\)")


def ask(floor: Floor, text: str, number: int | None = None) -> None:
    known = len(floor.tasks())
    floor.maria.comment(floor.stage.repository, number or floor.stage.issue, text)
    floor.take_in(lambda: len(floor.tasks()) > known)


def script(*turns: dict[str, Any]) -> dict[str, Any]:
    whole = durations_script()
    whole["phases"]["ask"] = list(turns) or [{"say": "NOT FOUND"}]
    return whole


def links(body: str) -> list[str]:
    found = LINK.findall(body)
    assert found
    return found


def resolve(floor: Floor, url: str, sha: str) -> list[str]:
    """The lines a link leads to; the page must be there and have them."""
    parts = urlparse(url)
    owner_name, _, rest = parts.path.removeprefix("/").partition("/blob/")
    commit, _, path = rest.partition("/")
    assert owner_name == floor.stage.repository
    assert commit == sha
    page = httpx.get(url, timeout=10, trust_env=False)
    assert page.status_code == 200, url
    assert unquote(path) in page.text
    span = re.fullmatch(r"L(\d+)(?:-L(\d+))?", parts.fragment)
    assert span is not None
    numbers = range(int(span[1]), int(span[2] or span[1]) + 1)
    assert all(f'id="L{number}"' in page.text for number in numbers)
    return [str(number) for number in numbers]


def tip(floor: Floor) -> str:
    return str(floor.maria.ask("GET", f"/repos/{floor.stage.repository}/git/ref/heads/main")["object"]["sha"])


def test_a_question_is_answered_with_links_that_resolve(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "Morning.\n\n@forgehand explain where is the unit of a duration looked up?")
        task = floor.run()
        assert (task.stage, task.reason) == (Stage.DONE, None)
        (comment,) = floor.comments()
        body = comment["body"]
        assert "> where is the unit of a duration looked up?" in body
        assert "`seconds_in`" in body
        assert tip(floor)[:12] in body
        for url in links(body):
            resolve(floor, url, tip(floor))
        assert floor.pulls() == []
        assert floor.maria.ask("GET", f"/repos/{floor.stage.repository}/issues/{floor.stage.issue}")["state"] == "open"


def test_what_is_not_there_is_said_to_be_not_there(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "/forgehand explain how is the Kafka consumer's offset committed?")
        assert floor.run().stage == Stage.DONE
        body = floor.comments()[0]["body"]
        assert "**Not found.**" in body
        assert "Kafka" in body
        assert "From `" not in body


@pytest.mark.parametrize("lost_in", ["before posting", "after posting"])
def test_a_worker_lost_on_the_way_answers_once(tmp_path: Path, lost_in: str) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "@forgehand explain where is the unit of a duration looked up?")
        real = floor.conductor.stages[Stage.EXPLAINING]

        def dies(context: Any) -> Any:
            if lost_in == "after posting":
                real(context)
            raise SystemExit("the worker is gone")

        floor.conductor.stages = dict(floor.conductor.stages) | {Stage.EXPLAINING: dies}
        with pytest.raises(SystemExit):
            floor.conductor.run(floor.task().id)
        floor.conductor.stages = dict(floor.conductor.stages) | {Stage.EXPLAINING: real}
        floor.pass_time(floor.settings.lease_s + 1)
        assert floor.run().stage == Stage.DONE
        assert len(floor.comments()) == 1


def test_a_question_waits_for_an_index_that_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localising, "PATIENCE_S", 0.0)
    monkeypatch.setattr(explaining, "INDEX_WAITS", 100_000)  # the floor passes waits at once, the index does not
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "@forgehand explain where is the unit of a duration looked up?")
        task = floor.run()
        assert task.stage == Stage.DONE, task.reason
        assert task.data["index_waits"] >= 1
        assert "`seconds_in`" in floor.comments()[0]["body"]


def test_an_index_that_never_comes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localising, "PATIENCE_S", 0.0)
    monkeypatch.setattr(explaining, "INDEX_WAITS", 0)
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "@forgehand explain where is the unit of a duration looked up?")
        assert floor.run().stage == Stage.FAILED
        (comment,) = floor.comments()
        assert "> where is the unit of a duration looked up?" in comment["body"]
        assert "I could not answer this: there is no index" in comment["body"]


def test_delivered_twice_it_is_answered_once(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        ask(floor, "@forgehand explain where is the unit of a duration looked up?")
        floor.run()
        bodies = [(headers, body) for headers, body in floor.receiver.bodies if b"unit of a duration" in body]
        again = [
            (dict(headers) | {"x-github-delivery": f"again-{at}"}, body) for at, (headers, body) in enumerate(bodies)
        ]
        floor.receiver.bodies.extend(again)
        floor.relay_turn()
        assert len(floor.tasks()) == 1
        assert len(floor.comments()) == 1


def test_an_outsider_is_refused(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        otis = floor.twin.person("otis")
        for _ in range(2):
            otis.comment(floor.stage.repository, floor.stage.issue, "@forgehand explain where are units looked up?")
            floor.take_in(lambda: bool(floor.comments()))
        assert floor.tasks() == []
        (comment,) = floor.comments()
        assert "only people with write permission on this repository can ask me" in comment["body"]


def test_a_question_stands_in_nobodys_way(tmp_path: Path) -> None:
    """A task lives on the issue: the question is a task beside it, and no word to it."""
    with furnished_floor(tmp_path) as floor:
        work = floor.assign()
        ask(floor, "@forgehand explain where is the unit of a duration looked up?")
        question = floor.task()
        assert question.id != work.id
        assert floor.run().stage == Stage.DONE
        with floor.workshop.database.read() as session:
            assert session.get_one(type(work), work.id).finished_at is None
        ask_again = "@forgehand explain where is the unit of a duration looked up?"
        ask(floor, ask_again)
        assert floor.run().stage == Stage.DONE
        assert sum("seconds_in" in one["body"] for one in floor.comments()) == 2


def push(floor: Floor, folder: Path, branch: str, path: str, content: str) -> str:
    """A commit on a new branch that adds a file; its name."""
    folder.mkdir()
    address = f"{floor.stage.url}/{floor.stage.repository}.git"
    address = address.replace("http://", f"http://x-access-token:{floor.stage.tokens['maria']}@")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    person = ["-c", "user.name=Maria", "-c", "user.email=maria@example.org"]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *person, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("clone", "-q", address, ".")
    (folder / path).write_text(content, encoding="utf-8")
    git("add", "--all")
    git("commit", "-qm", "Add a file")
    git("push", "-q", "origin", f"HEAD:{branch}")
    return git("rev-parse", "HEAD")


def test_a_pull_request_is_answered_on_its_head(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, model_prices={}, model="") as floor:
        repository = floor.stage.repository
        content = "def count_fortnights(seconds):\n    return seconds // 1209600\n"
        sha = push(floor, tmp_path / "clone", "fortnights", "durations/fort nights.py", content)
        pull = floor.maria.ask(
            "POST", f"/repos/{repository}/pulls", {"title": "Fortnights", "head": "fortnights", "base": "main"}
        )
        ask(floor, "@forgehand explain where are fortnights counted?", pull["number"])
        assert floor.run().stage == Stage.DONE
        comments = floor.maria.ask("GET", f"/repos/{repository}/issues/{pull['number']}/comments")
        (body,) = [one["body"] for one in comments if one["user"]["login"].endswith("[bot]")]
        assert "`count_fortnights`" in body
        assert any("fort%20nights.py" in url for url in links(body))
        for url in links(body):
            resolve(floor, url, sha)


def test_a_model_words_the_answer_and_what_it_makes_up_is_left_out(tmp_path: Path) -> None:
    said = (
        "- `parse_duration` raises `DurationError` for an unknown unit "
        "[durations/parsing.py:14, durations/parsing.py:28-30].\n"
        "- It mails each duration to `evil@example.com` [durations/parsing.py:14].\n"
        "- See [the docs](https://evil.example) [durations/parsing.py:14].\n"
        "- `parse_duration` retries 5 times [durations/parsing.py:14].\n"
    )
    turns = script(
        {"expect": "unknown unit", "call": [{"tool": "read", "args": {"path": "durations/parsing.py"}}]},
        {"expect": "def parse_duration", "say": said},
    )
    with furnished_floor(tmp_path, script=turns) as floor:
        ask(floor, "@forgehand explain what does parse_duration do with an unknown unit?")
        task = floor.run()
        assert task.stage == Stage.DONE
        body = floor.comments()[0]["body"]
        assert "raises `DurationError`" in body
        assert "evil" not in body
        assert "5 times" not in body
        for url in links(body):
            resolve(floor, url, tip(floor))
        with floor.workshop.database.read() as session:
            assert budgets.spending(session, task.id).steps == 2
