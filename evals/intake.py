"""How fast deliveries are taken in, beside Probot, which stores nothing (`make bench-intake`).

Real HTTP from other processes: signed payloads of 12 kB, every delivery id distinct; the server on one core, the load
on another. Two loads a round: as fast as 16 connections go (wrk), and a fixed 500 a second whatever the answers do.
Rounds alternate between the two servers, and the ratio is taken within each round, because machines are noisy.
After each round our server is killed with SIGKILL, and every delivery it had acknowledged must be in the database. Ours
runs with SQLite at synchronous=FULL (store/database.py); how long one fsync takes here is part of the result.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.contenders import (
    HERE,
    LOAD_CORE,
    CannotMeasure,
    Server,
    install_probot,
    program,
    start_forgehand,
    start_probot,
    stored_ids,
)

PAYLOADS = 8
PAYLOAD_BYTES = 12_000
P99_GOAL_MS = 50.0
RATIO_NEEDED, RATIO_GOAL = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    seconds: float
    rate: float
    connections: int
    probot: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """One server in one round. Times in milliseconds; `busy` is the server's share of its core under the full load."""

    per_second: float
    full_p50_ms: float
    full_p99_ms: float
    busy: float
    paced_p50_ms: float
    paced_p99_ms: float
    paced_max_ms: float
    errors: int


def write_payloads(folder: Path, secret: str) -> None:
    """Issue events of 12 kB with the fields an App's webhook has, and their signatures."""
    for number in range(1, PAYLOADS + 1):
        event: dict[str, Any] = {
            "action": "opened",
            "issue": {"id": number, "number": number, "title": f"Issue {number}", "state": "open", "body": ""},
            "repository": {"id": 1, "name": "sample", "full_name": "octo/sample", "owner": {"id": 2, "login": "octo"}},
            "sender": {"id": 3, "login": "someone", "type": "User"},
            "installation": {"id": 4},
        }
        event["issue"]["body"] = secrets.token_hex(PAYLOAD_BYTES)[: PAYLOAD_BYTES - len(json.dumps(event))]
        body = json.dumps(event).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        (folder / f"payload-{number}.json").write_bytes(body)
        (folder / f"signature-{number}.txt").write_text(f"sha256={signature}")


def fsync_ms(folder: Path) -> float:
    """The median of 50 small appends, each followed by fdatasync, in the folder the database will be in."""
    took = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 16384)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e3


def full_load(server: Server, payloads: Path, run: str, seconds: float, connections: int) -> dict[str, Any]:
    wrk = program("wrk", "apt-get install wrk")
    url = f"http://127.0.0.1:{server.port}/webhooks/github"
    shape = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "--latency"]
    argv = ["taskset", "-c", LOAD_CORE, wrk, *shape, "-s", str(HERE / "deliveries.lua"), url, "--", str(payloads), run]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"^RESULT (\{.*\})$", done.stdout, re.MULTILINE)
    if found is None:
        raise CannotMeasure(f"wrk failed:\n{done.stdout}{done.stderr}")
    result: dict[str, Any] = json.loads(found[1])
    return result


def paced_load(server: Server, payloads: Path, seconds: float, rate: float) -> dict[str, Any]:
    argv = [sys.executable, "-m", "evals.paced_load", "--port", str(server.port), "--payloads", str(payloads)]
    argv += ["--rate", str(rate), "--seconds", str(seconds)]
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, *argv], capture_output=True, text=True, check=False, cwd=HERE.parent
    )
    if done.returncode != 0:
        raise CannotMeasure(f"the paced load failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(server: Server, payloads: Path, plan: Plan) -> tuple[Measured, list[str], int]:
    """The figures, the ids the paced load saw acknowledged, and how many acknowledgements wrk saw."""
    warm = full_load(server, payloads, "warm", 1, plan.connections)
    busy_from, from_ = server.cpu_s(), time.perf_counter()
    full = full_load(server, payloads, "full", plan.seconds, plan.connections)
    busy = (server.cpu_s() - busy_from) / (time.perf_counter() - from_)
    paced = paced_load(server, payloads, plan.seconds, plan.rate)
    refused = sum(count for status, count in paced["statuses"].items() if status[0] != "2")
    errors = full["not_2xx"] + full["socket_errors"] + refused + paced["broken"]
    measured = Measured(
        per_second=full["requests"] / full["seconds"],
        full_p50_ms=full["p50_ms"],
        full_p99_ms=full["p99_ms"],
        busy=busy,
        paced_p50_ms=paced["p50_ms"],
        paced_p99_ms=paced["p99_ms"],
        paced_max_ms=paced["max_ms"],
        errors=errors,
    )
    acknowledged = warm["requests"] - warm["not_2xx"] + full["requests"] - full["not_2xx"]
    return measured, paced["stored"], acknowledged


def lost_deliveries(folder: Path, seen: list[str], counted: int) -> int:
    """How many acknowledged deliveries a killed server's database lacks. wrk counts them, the paced load names them."""
    rows = stored_ids(folder)
    held = set(rows)
    if len(held) != len(rows):
        raise AssertionError("the inbox holds a delivery twice")
    unnamed = len(held) - len(held & set(seen))
    return len(set(seen) - held) + max(0, counted - unnamed)


def one_round(folder: Path, payloads: Path, secret: str, plan: Plan) -> dict[str, Any]:
    server = start_forgehand(folder / "forgehand", secret)
    try:
        ours, seen, counted = measure(server, payloads, plan)
    finally:
        server.kill()
    outcome: dict[str, Any] = {
        "forgehand": asdict(ours),
        "acknowledged": len(seen) + counted,
        "lost": lost_deliveries(folder / "forgehand", seen, counted),
    }
    if plan.probot:
        server = start_probot(folder / "probot", secret)
        try:
            theirs, named, unnamed = measure(server, payloads, plan)
            handled = int(server.get("/count"))
            if handled < len(named) + unnamed:
                raise CannotMeasure(f"Probot acknowledged {len(named) + unnamed} deliveries but handled {handled}")
        finally:
            server.kill()
        outcome |= {"probot": asdict(theirs), "throughput_ratio": ours.per_second / theirs.per_second}
    return outcome


def run(plan: Plan, parent: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """All rounds, and the medians over them."""
    if (os.cpu_count() or 1) < 2:
        raise CannotMeasure("two processor cores are needed: one for the server, one for the load")
    secret = secrets.token_hex(32)
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-intake-", dir=parent) as name:
        payloads = Path(name) / "payloads"
        payloads.mkdir()
        write_payloads(payloads, secret)
        fsync = fsync_ms(Path(name))
        if plan.probot:
            install_probot()
        rounds = []
        for number in range(1, plan.rounds + 1):
            rounds.append(one_round(Path(name) / f"round-{number}", payloads, secret, plan))
            tell(f"round {number} of {plan.rounds}: " + _line(rounds[-1]))
    result: dict[str, Any] = {"plan": asdict(plan), "fdatasync_ms": fsync, "rounds": rounds}
    for contender in ("forgehand", "probot") if plan.probot else ("forgehand",):
        result[contender] = {
            figure: statistics.median(each[contender][figure] for each in rounds) for figure in rounds[0][contender]
        }
    if plan.probot:
        result["throughput_ratio"] = statistics.median(each["throughput_ratio"] for each in rounds)
    result["acknowledged"] = sum(each["acknowledged"] for each in rounds)
    result["lost"] = sum(each["lost"] for each in rounds)
    result["errors"] = sum(each["forgehand"]["errors"] for each in rounds)
    result["holds"] = (
        result["lost"] == 0
        and result["errors"] == 0
        and result["forgehand"]["paced_p99_ms"] < P99_GOAL_MS
        and result.get("throughput_ratio", RATIO_NEEDED) >= RATIO_NEEDED
    )
    return result


def _line(outcome: dict[str, Any]) -> str:
    text = f"{outcome['forgehand']['per_second']:.0f}/s"
    if "probot" in outcome:
        text += f", Probot {outcome['probot']['per_second']:.0f}/s, ratio {outcome['throughput_ratio']:.2f}"
    return f"{text}, p99 {outcome['forgehand']['paced_p99_ms']:.1f} ms when paced, {outcome['lost']} lost"


def render(result: dict[str, Any]) -> str:
    """The table and a picture in text."""
    plan = result["plan"]
    contenders = [name for name in ("forgehand", "probot") if name in result]
    lines = [
        f"Medians of {plan['rounds']} rounds of {plan['seconds']:g} s, {plan['connections']} connections; "
        f"one fdatasync here takes {result['fdatasync_ms']:.2f} ms.",
        "",
        f"{'':28}" + "".join(f"{name:>12}" for name in contenders),
    ]
    for figure, label in (
        ("per_second", "deliveries a second"),
        ("full_p50_ms", "  p50 under that load, ms"),
        ("full_p99_ms", "  p99 under that load, ms"),
        ("busy", "  share of its core"),
        ("paced_p50_ms", f"p50 at {plan['rate']:g} a second, ms"),
        ("paced_p99_ms", f"p99 at {plan['rate']:g} a second, ms"),
        ("paced_max_ms", "  slowest, ms"),
        ("errors", "errors"),
    ):
        digits = {"per_second": 0, "errors": 0, "busy": 2}.get(figure, 1)
        lines.append(f"{label:28}" + "".join(f"{result[name][figure]:>12.{digits}f}" for name in contenders))
    most = max(result[name]["per_second"] for name in contenders)
    lines.append("")
    lines += [
        f"{name:>12} {'#' * round(50 * result[name]['per_second'] / most)} {result[name]['per_second']:.0f}/s"
        for name in contenders
    ]
    lines.append("")
    if "throughput_ratio" in result:
        lines.append(
            f"throughput against Probot: {result['throughput_ratio']:.2f} (needed {RATIO_NEEDED}, goal {RATIO_GOAL:g})"
        )
    lines.append(f"acknowledged {result['acknowledged']}, of them lost after SIGKILL: {result['lost']}")
    lines.append("holds" if result["holds"] else "does not hold")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.intake", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load in each round")
    parser.add_argument("--rate", type=float, default=500.0, help="deliveries a second of the paced load")
    parser.add_argument("--connections", type=int, default=16, help="of the full load")
    parser.add_argument("--without-probot", action="store_true")
    parser.add_argument("--dir", type=Path, default=HERE.parent / "var", help="where the database is made: a real disk")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args()
    plan = Plan(given.rounds, given.seconds, given.rate, given.connections, not given.without_probot)
    try:
        result = run(plan, given.dir, lambda text: print(text, file=sys.stderr))
    except CannotMeasure as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result) if given.json else render(result))
    return 0 if result["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
