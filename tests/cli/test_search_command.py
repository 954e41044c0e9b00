"""`forgehand search` as people and scripts call it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.cli.ground import SUMS, Forgehand, git, make_repository, put

QUESTION = "The first number is left out of the total"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "sums", SUMS)


def test_places_best_first_as_json(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", QUESTION, "--top", "3", "--json")
    assert ran.status == 0, ran.err
    first = ran.document[0]
    assert (first["path"], first["start_line"], first["end_line"], first["symbol"]) == ("sums.py", 1, 6, "total")
    assert 0 < len(ran.document) <= 3
    assert set(first) == {"path", "start_line", "end_line", "symbol", "score"}


def test_people_get_a_table(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", QUESTION)
    assert ran.status == 0, ran.err
    assert "sums.py:1-6" in ran.out


def test_a_plain_folder_a_file_and_a_commit(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    put(tmp_path / "plain", {name: text for name, text in SUMS.items() if name.endswith(".py")})
    (tmp_path / "issue.md").write_text(QUESTION)
    ran = forgehand("search", "--repo", str(tmp_path / "plain"), "--query-file", str(tmp_path / "issue.md"), "--json")
    assert ran.document[0]["path"] == "sums.py"
    put(repository, {"moved.py": SUMS["sums.py"], "sums.py": ""})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Move")
    for rev, path in (("HEAD", "moved.py"), ("HEAD~1", "sums.py")):
        ran = forgehand("search", "--repo", str(repository), "--query", QUESTION, "--rev", rev, "--json")
        assert ran.document[0]["path"] == path


def test_nothing_found_is_said(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", "zebra")
    assert (ran.status, "Nothing" in ran.out) == (1, True)
    ran = forgehand("search", "--repo", str(repository), "--query", "zebra", "--json")
    assert (ran.status, ran.document) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "{repo}"], "--query"),
        (["--repo", "{repo}", "--query", " "], "empty"),
        (["--repo", "{repo}", "--query", "a", "--query-file", "b"], "one of the two"),
        (["--repo", "{repo}", "--query-file", "/no/such"], "No such file"),
        (["--repo", "/no/such", "--query", "a"], "no such folder"),
        (["--repo", "{repo}", "--query", "a", "--rev", "no-such"], "no-such"),
        (["--repo", "{plain}", "--query", "a", "--rev", "main"], "no git repository"),
    ],
)
def test_what_cannot_be_searched(
    arguments: list[str], said: str, forgehand: Forgehand, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    ran = forgehand("search", *(one.format(repo=repository, plain=tmp_path / "plain") for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


class _Vectors(BaseHTTPRequestHandler):
    """An embedding model behind OpenAI's wire that knows one word; remembers how many texts it was asked."""

    asked: ClassVar[list[int]] = []
    refuses = False

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = request["input"]
        self.asked.append(len(texts))
        rows = [
            {"object": "embedding", "index": number, "embedding": [1.0, 9.0 * text.count("Sums")]}
            for number, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = {"object": "list", "model": request["model"], "data": rows[::-1], "usage": usage}
        body = json.dumps({"error": {"message": "no such model"}} if self.refuses else answer).encode()
        self.send_response(404 if self.refuses else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def test_a_second_look_is_a_models_and_its_vectors_are_kept(
    forgehand: Forgehand, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Vectors) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("FORGEHAND_MODEL_API_BASE", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("FORGEHAND_MODEL_API_KEY", "key")
        arguments = ["search", "--repo", str(repository), "--query", f"{QUESTION} of Sums", "--json"]
        plain = forgehand(*arguments)
        assert not _Vectors.asked, "off unless asked for"
        looked = forgehand(*arguments, "--rerank", "openai/known-word")
        assert looked.status == 0, looked.err
        before, after = ([hit["symbol"] for hit in ran.document] for ran in (plain, looked))
        assert sorted(before) == sorted(after)
        assert sum(_Vectors.asked) == len(before) + 1
        monkeypatch.setenv("FORGEHAND_SEARCH_RERANK", "openai/known-word")
        assert forgehand(*arguments).document == looked.document
        assert sum(_Vectors.asked) == len(before) + 1, "kept"
        monkeypatch.setattr(_Vectors, "refuses", True)
        refused = forgehand(*arguments, "--rerank", "openai/other")
        assert (refused.status, "--rerank openai/other" in refused.err) == (2, True), refused.err
        assert "Traceback" not in refused.err
        server.shutdown()
