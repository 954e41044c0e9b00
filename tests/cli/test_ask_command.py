"""`forgehand ask` as people and scripts call it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.ground import Forgehand, git, make_repository, put
from tests.codebase.asking.ground import MORE, SHOP

FILES = {path: text for path, text in (SHOP | dict(MORE)).items() if "\n" not in path}
QUESTION = "Where is the session cookie signed?"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop", FILES)


def script(folder: Path, *turns: dict[str, Any]) -> str:
    path = folder / "author.yml"
    path.write_text(yaml.safe_dump({"turns": list(turns)}))
    return f"scripted:{path}"


def test_the_answer_as_json(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("ask", "--repo", repository, QUESTION, "--json")
    assert ran.status == 0, ran.err
    document = ran.document
    assert document["found"] is True
    assert document["commit"] == git(repository, "rev-parse", "HEAD")
    first = document["answer"][0]
    assert first["text"].startswith("`SessionStore.signed` is defined as")
    assert first["citations"][0] == {"path": "shop/session.py", "start_line": 9, "end_line": 9}
    assert all(claim["citations"] for claim in document["answer"])
    assert (document["models"], document["tokens"], document["dropped"], document["reason"]) == ([], 0, [], None)
    assert set(document) == {
        "found", "question", "commit", "answer", "reason", "places", "models", "dropped", "tokens", "cost_usd",
        "seconds",
    }  # fmt: skip


def test_people_get_lines_with_places(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("ask", "--repo", repository, QUESTION)
    assert ran.status == 0, ran.err
    lines = ran.out.split("\n")
    assert lines[0] == "`SessionStore.signed` is defined as `def signed(self, session, secret_key)`."
    assert lines[1] == "    shop/session.py:9, shop/session.py:6"


def test_not_found_is_an_answer_too(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("ask", "--repo", repository, "Where is the Kafka consumer?")
    assert ran.status == 1
    assert ran.out.startswith('Not found: nothing in the code is about "Kafka", "consumer".')
    ran = forgehand("ask", "--repo", repository, "Where is the Kafka consumer?", "--json")
    assert (ran.status, ran.document["found"], ran.document["answer"]) == (1, False, [])
    assert "Kafka" in ran.document["reason"]


def test_a_plain_folder_and_a_commit(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    put(tmp_path / "plain", FILES)
    ran = forgehand("ask", "--repo", tmp_path / "plain", QUESTION, "--json")
    assert (ran.status, ran.document["commit"]) == (0, None)
    put(repository, {"shop/session.py": ""})
    git(repository, "commit", "-qam", "Remove")
    assert forgehand("ask", "--repo", repository, QUESTION).status == 1
    assert forgehand("ask", "--repo", repository, QUESTION, "--rev", "HEAD~1").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "{repo}"], "QUESTION"),
        ([QUESTION], "--repo"),
        (["--repo", "{repo}", " "], "empty"),
        (["--repo", "{repo}", "word " * 2_000], "Shorten it"),
        (["--repo", "/no/such", QUESTION], "no such folder"),
        (["--repo", "{repo}", QUESTION, "--rev", "no-such"], "no-such"),
        (["--repo", "{repo}", QUESTION, "--model", "scripted:/no/such.yml"], "/no/such.yml"),
    ],
)
def test_what_cannot_be_done_is_said(forgehand: Forgehand, repository: Path, arguments: list[str], said: str) -> None:
    ran = forgehand("ask", *(one.format(repo=repository) for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_model_words_the_answer(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    says = (
        "- `signed` uses `hmac.new` with the `secret_key` [shop/session.py:9-11].\n"
        "- It is mailed to Mallory [shop/session.py:9].\n"
    )
    turns = ({"call": [{"tool": "read", "args": {"path": "shop/session.py"}}]}, {"expect": "hmac.new", "say": says})
    ran = forgehand("ask", "--repo", repository, QUESTION, "--model", script(tmp_path, *turns))
    assert ran.status == 0, ran.err
    assert ran.out == (
        "`signed` uses `hmac.new` with the `secret_key`.\n    shop/session.py:9-11\n\n"
        "Left out: 1 statements of the model that its citations do not show.\n"
    )
    ran = forgehand("ask", "--repo", repository, QUESTION, "--model", script(tmp_path, *turns), "--json")
    (dropped,) = ran.document["dropped"]
    assert (dropped["text"], dropped["verdict"]) == ("It is mailed to Mallory.", "name_not_there")
    assert ran.document["models"] == ["openai/ask"]
    assert ran.document["tokens"] > 0


def test_a_model_that_shows_nothing_has_not_found_it(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    ran = forgehand("ask", "--repo", repository, QUESTION, "--model", script(tmp_path, {"say": "It is on the moon."}))
    assert ran.status == 1
    assert ran.out.startswith("Not found: nothing that was said of it could be shown in the code.")
    assert "shop/session.py:9-11" in ran.out


def test_a_model_that_fails_is_said(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    model = script(tmp_path, {"expect": "never said", "say": "x"})
    ran = forgehand("ask", "--repo", repository, QUESTION, "--model", model)
    assert ran.status == 2
    assert "Without --model the code itself answers" in ran.err


def test_a_terminal_is_not_steered_by_a_repository(forgehand: Forgehand, tmp_path: Path) -> None:
    hostile = 'def escape_artist():\n    """Escapes \x1b]0;owned\x07 artist."""\n    return "\x1b[2J escape"\n'
    put(tmp_path / "hostile", {"escape.py": hostile, **MORE})
    ran = forgehand("ask", "--repo", tmp_path / "hostile", "Where is the escape_artist?")
    assert ran.status == 0, ran.err
    assert "\x1b" not in ran.out
