"""Processes that parse: they stay, they are shared, and what a file does to one of them costs that file only."""

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from codebase.index import BlobCache, File, build_corpus, parse_process, parsing
from codebase.index.blob import read_packed, unpack
from codebase.index.parsing import Parsers, ParserUnavailable
from tests.codebase.index import fatal
from tests.codebase.index.making import MemoryFile, MemoryTree


@pytest.fixture
def parsers() -> Iterator[Parsers]:
    made = Parsers(2)
    yield made
    made.close()


def batch(**files: bytes) -> list[tuple[File, bytes]]:
    return [(MemoryFile(f"{name}.py", name, len(data)), data) for name, data in files.items()]


def symbols(parsed: list[tuple[File, bytes]]) -> dict[str, list[str]]:
    return {file.path: unpack(packed).names[1:] for file, packed in parsed}


GOOD = {"a": b"def alpha(): pass\n", "b": b"def beta(): pass\n", "c": b"def gamma(): pass\n"}
ALL_GOOD = {"a.py": ["alpha"], "b.py": ["beta"], "c.py": ["gamma"]}


def test_a_process_stays_for_the_next_file(parsers: Parsers) -> None:
    first = parsers.parse(fatal.which, batch(**GOOD))
    second = parsers.parse(fatal.which, batch(d=b"", e=b""))
    assert len({answer for _, answer in [*first, *second]}) == 1
    assert symbols(parsers.parse(read_packed, batch(**GOOD))) == ALL_GOOD


@pytest.mark.parametrize("harm", [b"die", b"hang"])
def test_what_does_not_survive_has_no_definitions(
    harm: bytes, parsers: Parsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsers.warm_up()
    monkeypatch.setattr(parsing, "_PATIENCE_S", 4.0)
    bad = b"def bad(): " + harm
    found = symbols(parsers.parse(fatal.read, batch(x=bad, **GOOD, y=bad)))
    assert found == {"x.py": [], **ALL_GOOD, "y.py": []}


def test_what_burns_the_processor_is_ended_by_its_own_clock(parsers: Parsers) -> None:
    began = psutil.Process().cpu_times().children_user
    found = symbols(parsers.parse(fatal.read, batch(x=b"def bad(): burn", **GOOD)))
    assert found == {"x.py": [], **ALL_GOOD}
    parsers.close()
    assert psutil.Process().cpu_times().children_user - began < 1.8 * parse_process._CPU_S


def test_what_raises_has_no_definitions_and_is_told(parsers: Parsers) -> None:
    with pytest.warns(UserWarning, match=r"'x.py' could not be read: ValueError: what nobody thought of"):
        found = symbols(parsers.parse(fatal.read, batch(x=b"raise", **GOOD)))
    assert found == {"x.py": [], **ALL_GOOD}


def test_a_process_killed_from_outside_costs_nothing(parsers: Parsers) -> None:
    ((_, pid),) = parsers.parse(fatal.which, batch(a=b""))
    os.kill(int(pid), signal.SIGKILL)
    assert symbols(parsers.parse(read_packed, batch(**GOOD))) == ALL_GOOD


def test_threads_share_what_there_is(parsers: Parsers) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: parsers.parse(fatal.which, batch(a=b"", b=b"")), range(40)))
    assert 1 <= len({pid for found in answers for _, pid in found}) <= 2
    assert all([file.path for file, _ in found] == ["a.py", "b.py"] for found in answers)


def test_the_environment_and_the_folder_are_not_theirs(
    parsers: Parsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who searches a hostile repository stands in it, with secrets around."""
    monkeypatch.setenv("FORGEHAND_MODEL_API_KEY", "very-secret")
    for name in ("codebase", "socket", "multiprocessing", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the repository')\n")
    monkeypatch.chdir(tmp_path)
    ((_, answer),) = parsers.parse(fatal.environment, batch(a=b""))
    environment = ast.literal_eval(answer.decode())
    assert not [name for name in environment if "FORGEHAND" in name]
    assert "very-secret" not in answer.decode()


def test_no_process_outlives_its_starter(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from codebase.index.parsing import shared\n"
        "from tests.codebase.index import fatal\n"
        "from tests.codebase.index.making import MemoryFile\n"
        "((_, pid),) = shared().parse(fatal.which, [(MemoryFile('a.py', 'a', 0), b'')])\n"
        "print(int(pid), flush=True)\n"
        "if sys.argv[1] == 'killed': os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for how in ("killed", "ends"):
        run = subprocess.run([sys.executable, "-c", program, how], capture_output=True, timeout=60, text=True)
        deadline = time.monotonic() + 10
        while psutil.pid_exists(int(run.stdout)):
            assert time.monotonic() < deadline, f"the process of one that {how} is still there"
            time.sleep(0.02)  # it is no child of ours: nothing tells us


def test_one_that_nobody_asks_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(parse_process, "_IDLE_S", 0.1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serving = threading.Thread(target=parse_process.serve, args=(theirs,))
        serving.start()
        assert parse_process.receive(ours) == (parse_process.READY, b"")
        serving.join(timeout=10)
        assert not serving.is_alive()


def test_where_none_can_be_started_it_is_said(parsers: Parsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_PROGRAM", "raise SystemExit(1)")
    with pytest.raises(ParserUnavailable, match="could not be started"):
        parsers.parse(read_packed, batch(**GOOD))
    monkeypatch.undo()
    assert symbols(parsers.parse(read_packed, batch(**GOOD))) == ALL_GOOD


def test_builds_share_the_processes_of_their_process(tmp_path: Path) -> None:
    def children() -> set[int]:
        return {one.pid for one in psutil.Process().children() if parsing._PROGRAM in " ".join(one.cmdline())}

    def build(number: int) -> int:
        cache = BlobCache(tmp_path / f"{number}.db")
        files = {f"m{number}_{one}.py": f"def f{one}(): return {number}\n".encode() for one in range(60)}
        try:
            return build_corpus(MemoryTree(files), cache).size
        finally:
            cache.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(build, range(8))) == [120] * 8
    assert len(children()) <= (os.cpu_count() or 1)
