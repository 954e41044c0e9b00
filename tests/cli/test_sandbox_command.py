"""`forgehand sandbox check` and `bench`: what they promise to print, and how they end."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from cli import sandbox_bench
from sandboxes.checking import CHECKS, THEMES, Check, Result
from sandboxes.measuring import Figures, Spread
from sandboxes.measuring.together import Together
from tests.cli.ground import Forgehand
from tests.sandboxes import docker_engine
from tests.sandboxes.conftest import bubblewrap
from tests.sandboxes.images import PYTHON, SHELL


@pytest.fixture
def walls(tmp_path: Path) -> None:
    bubblewrap(tmp_path / "probe").probe()


@pytest.fixture
def unwalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without bubblewrap whose owner allows plain processes."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in ("/usr/bin", "/bin", "/usr/local/bin"):
        for program in os.scandir(folder) if Path(folder).is_dir() else ():
            if program.name != "bwrap" and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program.path)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("FORGEHAND_SANDBOX_ALLOW_UNISOLATED", "true")


def test_a_wall_that_holds(forgehand: Forgehand, walls: None) -> None:
    ran = forgehand("sandbox", "check", "--only", "output", "--only", "walls", "--json")
    said = ran.document
    assert ran.status == 0
    wanted = [check for check in CHECKS if check.theme in ("output", "walls")]
    assert (said["backend"], said["isolation"], said["unenforced"]) == ("local", "bubblewrap", [])
    assert (said["passed"], said["failed"], said["not_run"]) == (len(wanted), 0, [])
    assert [one["name"] for one in said["checks"]] == [check.name for check in wanted]
    for one in said["checks"]:
        assert set(one) == {"name", "theme", "passed", "seconds", "detail"}
        assert one["passed"] is True
        assert one["detail"]
        assert 0 <= one["seconds"] < 60
    assert ran.err == ""


def test_no_wall(forgehand: Forgehand, unwalled: None) -> None:
    ran = forgehand("sandbox", "check", "--only", "secrets", "--only", "output", "--json")
    said = ran.document
    assert ran.status == 1
    assert said["isolation"] == "none"
    by_theme = {theme: [one for one in said["checks"] if one["theme"] == theme] for theme in ("secrets", "output")}
    assert all(one["passed"] for one in by_theme["output"])
    assert said["failed"] == sum(not one["passed"] for one in by_theme["secrets"]) >= 2
    assert {"memory_bytes", "network"} <= set(said["unenforced"])
    assert "canary" in json.dumps(by_theme["secrets"])


def test_a_limit_without_a_means_is_a_no_even_when_every_check_holds(forgehand: Forgehand, unwalled: None) -> None:
    ran = forgehand("sandbox", "check", "--only", "output", "--json")
    assert (ran.status, ran.document["failed"]) == (1, 0)
    assert ran.document["unenforced"]


def test_for_people_a_table_by_theme_and_a_last_line(forgehand: Forgehand, walls: None) -> None:
    ran = forgehand("sandbox", "check", "--only", "output")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert "output" in [line.strip() for line in lines]
    count = len([check for check in CHECKS if check.theme == "output"])
    assert lines[-1] == f"local (bubblewrap): {count} held, 0 breached, 0 not run"
    assert sum(line.startswith("held") for line in lines) == count


def test_for_people_what_is_not_enforced_is_named(forgehand: Forgehand, unwalled: None) -> None:
    ran = forgehand("sandbox", "check", "--only", "output")
    assert ran.status == 1
    assert "the limit memory_bytes is not enforced by this backend" in ran.out


def test_what_was_not_run_has_neither_passed_nor_failed() -> None:
    from cli.sandbox import report

    checks = [Check("walls", name, lambda _: "") for name in "abc"]
    results = [
        Result(checks[0], "held", 0.1, "fine"),
        Result(checks[1], "breached", 0.2, "seen"),
        Result(checks[2], "not run", 0.0, "no python3"),
    ]
    said = report(results, ["cpus"])
    assert (said["passed"], said["failed"], said["unenforced"]) == (1, 1, ["cpus"])
    assert [(one["name"], one["passed"]) for one in said["checks"]] == [("a", True), ("b", False)]
    assert [one["name"] for one in said["not_run"]] == ["c"]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> None:
    docker_engine.docker("runc")
    monkeypatch.setenv("FORGEHAND_SANDBOX_IMAGE", docker_engine.image(PYTHON))


def test_another_backend_than_the_settings_name(forgehand: Forgehand, docker: None) -> None:
    ran = forgehand("sandbox", "check", "--backend", "docker", "--only", "output", "--json")
    said = ran.document
    assert (ran.status, said["backend"], said["isolation"]) == (0, "docker", "docker (runc)")
    assert (said["failed"], said["not_run"], said["unenforced"]) == (0, [], [])


def test_an_image_without_python_answers_what_it_can_and_that_is_no_yes(forgehand: Forgehand, docker: None) -> None:
    image = docker_engine.image(SHELL)
    ran = forgehand("sandbox", "check", "--backend", "docker", "--image", image, "--only", "output", "--json")
    said = ran.document
    assert (ran.status, said["failed"]) == (1, 0)
    assert said["passed"] > 0
    assert {one["detail"] for one in said["not_run"]} == {"no python3 with its standard library in the image"}
    assert not {one["name"] for one in said["not_run"]} & {one["name"] for one in said["checks"]}


def test_gpus_that_the_engine_cannot_lend_are_refused_at_the_start(
    forgehand: Forgehand, docker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if b"nvidia" in subprocess.run(["docker", "info"], capture_output=True, check=True).stdout:
        pytest.skip("this engine can lend GPUs")
    monkeypatch.setenv("FORGEHAND_DOCKER_GPUS", "GPU-1")
    ran = forgehand("sandbox", "check", "--backend", "docker", "--only", "output")
    assert (ran.status, ran.out) == (2, "")
    assert "the limit gpus cannot be enforced: the engine has no NVIDIA runtime" in ran.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["check", "--only", "wall"], f"there is no such theme. Choose from {', '.join(THEMES)}"),
        (["check", "--only", "x\x1b[31m"], "there is no such theme"),
        (["check", "--backend", "docker"], "FORGEHAND_SANDBOX_IMAGE is not set"),
        (["check", "--image", "debian"], "image"),
        (["bench", "--image", "debian"], "image"),
        (["bench", "--peers"], "--peers: there is no image to run them on. Name one with --image"),
        (["check", "--backend", "podman"], "podman"),
        (["bench", "--boxes", "0"], "boxes"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    forgehand: Forgehand, walls: None, arguments: list[str], why: str
) -> None:
    ran = forgehand("sandbox", *arguments)
    assert ran.status == 2
    assert why in ran.err
    assert "\x1b" not in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_without_walls_and_without_consent_nothing_is_checked(
    forgehand: Forgehand, unwalled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORGEHAND_SANDBOX_ALLOW_UNISOLATED")
    ran = forgehand("sandbox", "check")
    assert ran.status == 2
    assert "bubblewrap (bwrap) is not installed" in ran.err


def test_figures(forgehand: Forgehand, walls: None) -> None:
    ran = forgehand("sandbox", "bench", "--quick", "--boxes", "4", "--json")
    said = ran.document
    assert ran.status == 0
    assert (said["backend"], said["image"], said["peers"]) == ("local", None, None)
    for name in ("create_to_first_command_ms", "command_overhead_ms", "command_ms", "warm_claim_ms"):
        assert 0 < said[name]["p50"] <= said[name]["p90"] <= said[name]["p99"] < 60_000, name
        assert said[name]["n"] >= 2
    assert said["command_ms"]["p50"] == pytest.approx(said["command_overhead_ms"]["p50"] + said["program_ms"], abs=0.01)
    assert said["create_to_first_command_ms"]["p50"] > said["command_ms"]["p50"]
    assert said["throughput_mb_s"]["put"] > 1
    assert said["throughput_mb_s"]["get"] > 1
    assert said["memory_mb_per_box"] >= 0
    assert (said["at_once"]["boxes"], said["at_once"]["made"], said["at_once"]["errors"]) == (4, 4, [])
    assert said["warm_claim_why"] is None


@pytest.mark.xdist_group("docker peers")
def test_figures_beside_the_peers(forgehand: Forgehand, docker: None) -> None:
    ran = forgehand("sandbox", "bench", "--backend", "docker", "--peers", "--quick", "--boxes", "2", "--json")
    said = ran.document
    assert ran.status == 0
    starts = {"docker run", "docker run --network none"}
    commands = {"docker exec", "SWE-ReX execute", "SWE-ReX session"}
    assert set(said["peers"]) == starts | commands
    for name in starts:
        peer = said["peers"][name]
        ours = said["create_to_first_command_ms"]["p50"] / peer["create_to_first_command_ms"]["p50"]
        assert peer["ours_to_it"] == pytest.approx(ours, rel=0.01)
    for name in commands:
        peer = said["peers"][name]
        ours = peer["command_overhead_ms"]["p50"] / said["command_overhead_ms"]["p50"]
        assert peer["times_ours"] == pytest.approx(ours, rel=0.1)
        assert peer["times_ours"] > 1


ONE = Spread(1.0, 2.0, 3.0, 10)
TEN = Spread(10.0, 20.0, 30.0, 10)


def figures(**changed: object) -> Figures:
    values: dict[str, object] = {
        "isolation": "docker (runc)",
        "creations": {"forgehand": TEN, "docker run": Spread(9.0, 9.0, 9.0, 10)},
        "commands": {"forgehand": ONE, "docker exec": TEN},
        "program_ms": 0.5,
        "put": 100.0,
        "get": 50.0,
        "warm_claims": ONE,
        "no_claims": "",
        "at_once": Together(2, 1.5, (0.01,), ("BoxLost: \x1b[31mgone",), 12.0, "how"),
        "at_once_first": TEN,
    }
    return Figures(**{**values, **changed})  # type: ignore[arg-type]


def test_overheads_are_less_the_programs_own_time_and_ratios_are_of_medians() -> None:
    said = sandbox_bench.report(figures())
    assert said["command_overhead_ms"] == {"p50": 0.5, "p90": 1.5, "p99": 2.5, "n": 10}
    assert said["peers"]["docker exec"] == {
        "command_overhead_ms": {"p50": 9.5, "p90": 19.5, "p99": 29.5, "n": 10},
        "times_ours": 19.0,
    }
    assert said["peers"]["docker run"]["ours_to_it"] == 1.111
    assert said["at_once"]["errors"] == ["BoxLost: \N{REPLACEMENT CHARACTER}[31mgone"]


def test_what_could_not_be_measured_is_null_with_its_reason() -> None:
    gone = Together(2, 1.5, (), ("x", "x"), None, "no box was made")
    said = sandbox_bench.report(
        figures(warm_claims=None, no_claims="the pool does not fill", at_once=gone, at_once_first=None)
    )
    assert (said["warm_claim_ms"], said["warm_claim_why"]) == (None, "the pool does not fill")
    assert (said["memory_mb_per_box"], said["memory_how"]) == (None, "no box was made")
    assert said["at_once"]["create_to_first_command_ms"] is None
    alone = figures(commands={"forgehand": Spread(0.4, 1, 1, 1)}, creations={"forgehand": ONE})
    assert sandbox_bench.report(alone)["peers"] is None


def test_for_people_bars_of_one_scale(capsys: pytest.CaptureFixture[str]) -> None:
    from cli.output import console

    sandbox_bench.show(console(), "docker", figures())
    said = capsys.readouterr().out
    assert said.startswith("docker (runc)\n")
    overheads = re.findall(r"^(forgehand|docker exec) +\S+ +\S+ +\S+ +(█+)", said, re.MULTILINE)[:2]
    assert len(overheads[1][1]) == 10 * len(overheads[0][1])
    assert "BoxLost: \N{REPLACEMENT CHARACTER}[31mgone" in said
    assert "\x1b" not in said
    sandbox_bench.show(console(), "docker", figures(warm_claims=None, no_claims="the pool does not fill"))
    assert "warm boxes could not be measured: the pool does not fill" in capsys.readouterr().out
