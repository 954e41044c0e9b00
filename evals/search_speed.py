"""How fast search is and what memory it takes, beside aider's repository map, a plain BM25 and ripgrep, in one run.

Every part runs in processes of its own; memory is the proportional set size of all of them together, sampled, and the
highest resident size of the one that would go on serving. Peers work on a checkout of the same commit and are given the
same texts; the map and the plain BM25 see its Python files.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from codebase.index import FolderTree
from evals.from_history import git_dir, instances
from evals.search_speed_parts import tree_of

PUSHED = 100
TEXTS = 40
_SAMPLE_S = 0.2
_PATIENCE_S = 1_800
_MEGABYTE = 1 << 20
_PLAIN_TEXTS = ("Where is a connection closed after an error?", "The configuration file is not found", "Wrong total")
Told = Callable[[str], None]


class PartFailed(Exception):
    """A part or a peer did not come to its end; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a process printed, and the most memory it and its children had, in megabytes."""

    said: dict[str, Any]
    peak_mb: float


@dataclass(slots=True)
class Speed:
    """One repository's figures: ours by part; of each peer what it printed, or why there is nothing."""

    index: Part
    queries: Part
    push: Part
    large: Part | None = None
    peers: dict[str, dict[str, Any] | str] = field(default_factory=dict)


def measure(repo: Path, told: Told, *, large: Path | None = None, peers: Path | None = None) -> Speed:
    """`repo`: a clone; `large`: a folder for the memory alone; `peers`: the Python that has aider-chat and bm25s.

    PartFailed when one of our own parts fails.
    """
    with tempfile.TemporaryDirectory(prefix="forgehand-speed-") as name:
        folder = Path(name)
        texts = folder / "texts.json"
        asked = _texts(repo)
        texts.write_text(json.dumps(asked))
        told("Cold index")
        speed = Speed(
            index=_ours("index", repo, folder / "index.db"),
            queries=_after(told, "Warm queries", lambda: _ours("queries", repo, folder / "index.db", texts)),
            push=_after(told, "A push", lambda: _ours("push", repo, folder / "index.db", PUSHED)),
        )
        if large is not None:
            told("The large folder")
            speed.large = _ours("index", large, folder / "large.db")
        told("A checkout for the peers")
        checkout = folder / "checkout"
        _check_out(repo, checkout)
        told("ripgrep")
        speed.peers["ripgrep"] = _ripgrep(checkout, asked)
        for peer, script in (("plain BM25 (bm25s)", "plain_bm25.py"), ("aider's repository map", "aider_map.py")):
            told(peer)
            speed.peers[peer] = _peer(peers, script, checkout, texts)
    return speed


def _after(told: Told, name: str, part: Callable[[], Part]) -> Part:
    told(name)
    return part()


def _texts(repo: Path) -> list[str]:
    """What is asked: reasons given in the repository's own history, or a few plain sentences."""
    inside = git_dir(repo)
    rows = instances(inside, repo.name, most=TEXTS) if (inside / "objects").is_dir() else []
    return [str(row["problem_statement"]) for row in rows] or list(_PLAIN_TEXTS)


def _ours(part: str, repo: Path, cache: Path, *further: object) -> Part:
    argv = [sys.executable, "-m", "evals.search_speed_parts", part, repo, cache, *further]
    return run([str(one) for one in argv])


def run(argv: Sequence[str]) -> Part:
    """Runs a program that prints one JSON document, and watches its memory. PartFailed."""
    peaks = [0.0]
    ended = threading.Event()
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peaks), daemon=True)
        watcher.start()
        try:
            out, complaints = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise PartFailed(f"{argv[1:4]} did not end within {_PATIENCE_S} s") from None
        finally:
            ended.set()
            watcher.join()
    if process.returncode != 0:
        raise PartFailed(f"{' '.join(argv[1:4])}: {complaints.decode(errors='replace').strip()[-500:]}")
    return Part(json.loads(out), peaks[0])


def _watch(pid: int, ended: threading.Event, peaks: list[float]) -> None:
    while not ended.wait(_SAMPLE_S):
        together = 0
        try:
            root = psutil.Process(pid)
            everyone = [root, *root.children(recursive=True)]
        except psutil.Error:
            continue
        for one in everyone:
            try:
                together += one.memory_full_info().pss
            except psutil.Error:
                continue
        peaks.append(max(peaks.pop(), together / _MEGABYTE))


def _check_out(repo: Path, to: Path) -> None:
    tree = tree_of(repo)
    files = list(tree.files())
    for file, data in zip(files, tree.read(files), strict=True):
        path = to / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data or b"")


def _ripgrep(checkout: Path, asked: Sequence[str]) -> dict[str, Any] | str:
    """Each text's words of four letters and more, thirty at most, counted in every file."""
    program = shutil.which("rg")
    if program is None:
        return "not installed (Debian: ripgrep)"
    times = []
    for text in asked:
        words = list(dict.fromkeys(re.findall(r"[A-Za-z_]\w{3,}", text)))[:30]
        patterns = [part for word in words for part in ("-e", word)]
        began = time.perf_counter()
        subprocess.run([program, "-c", "-i", "-w", *patterns, str(checkout)], stdout=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - began)
    return {"files": len(FolderTree(checkout).files()), "seconds": 0.0, "query_s": times}


def _peer(python: Path | None, script: str, checkout: Path, texts: Path) -> dict[str, Any] | str:
    if python is None:
        return "not asked for: --peers names a Python that has it"
    try:
        part = run([str(python), str(Path(__file__).parent / "peers" / script), str(checkout), str(texts)])
    except (PartFailed, OSError, ValueError) as error:
        return str(error)
    return {**part.said, "peak_mb": part.peak_mb}


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def as_document(speed: Speed) -> dict[str, Any]:
    """The figures as the command prints them; seconds, milliseconds and megabytes as the names say."""

    def extent(part: Part) -> dict[str, Any]:
        said = part.said
        return {
            **{name: said[name] for name in ("files", "lines", "python_lines", "places")},
            "seconds": round(said["seconds"], 2),
            "lines_per_s": round(said["lines"] / said["seconds"]),
            "peak_mb": round(part.peak_mb),
            "serving_mb": round(said["serving_mb"]),
        }

    def times(values: Sequence[float]) -> dict[str, float]:
        return {"p50": round(percentile(values, 0.5) * 1000, 1), "p90": round(percentile(values, 0.9) * 1000, 1)}

    def peer(said: dict[str, Any] | str) -> dict[str, Any] | str:
        if isinstance(said, str):
            return said
        found = {"files": said["files"], "index_s": round(said["seconds"], 2), "query_ms": times(said["query_s"])}
        return found | ({"peak_mb": round(said["peak_mb"])} if "peak_mb" in said else {})

    return {
        "cold_index": extent(speed.index),
        "first_answer_from_cache_s": round(speed.queries.said["first_s"], 2),
        "warm_query_ms": times(speed.queries.said["query_s"]),
        "push": {
            "files": speed.push.said["files"],
            "seconds": round(speed.push.said["seconds"], 2),
            "searchable_s": round(speed.push.said["searchable_s"], 2),
        },
        "large": extent(speed.large) if speed.large is not None else None,
        "peers": {name: peer(said) for name, said in speed.peers.items()},
    }
