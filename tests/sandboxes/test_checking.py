"""The checks themselves: each can fail, and says what it saw; what is odd about one never passes for success."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes.checking import CHECKS, THEMES, Breach, Check, Ground, NotRun, files, lies, perform
from sandboxes.checking.registry import require
from sandboxes.contract import FileChange, SandboxError
from tests.engines import absent
from tests.sandboxes.conftest import plain
from tests.sandboxes.faulty import FAULTS

NO_BACKEND = ("a runner that lies loses its box, and nothing it says is believed",)
"""Checks of what is the same for every backend: tried further down."""
CAN_FAIL = [check for check in CHECKS if check.name not in NO_BACKEND]
APART = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture(scope="module")
def world():
    """What each check sees where nothing is isolated, and where one thing is done wrong (plain_world.py)."""
    if os.geteuid() != 0:
        absent("namespaces to attack plain processes in, which takes root")
    ran = subprocess.run(
        ["unshare", *APART, sys.executable, "-m", "tests.sandboxes.plain_world"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=540,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    return json.loads(ran.stdout)


@pytest.mark.xdist_group("plain world")
@pytest.mark.parametrize("check", CAN_FAIL, ids=lambda check: check.name)
def test_it_can_fail(world, check):
    outcome, evidence, _ = world["plain"][check.name]
    if check.name in FAULTS:
        assert outcome == "held", f"on plain processes: {evidence}"
        outcome, evidence, _ = world["faulty"][check.name]
    assert outcome == "breached", evidence
    assert "could not be shown" not in evidence


def test_only_walls_are_what_plain_processes_lack():
    lacking = {check.theme for check in CHECKS if check.name not in (*FAULTS, *NO_BACKEND)}
    assert lacking == {"limits", "walls", "network", "secrets", "neighbours"}


def test_names_are_unique_and_every_theme_has_checks():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {check.theme for check in CHECKS} == set(THEMES)
    assert set(FAULTS) <= {check.name for check in CHECKS}


@pytest.fixture
def unwalled(tmp_path):
    with Ground(plain(tmp_path)) as ground:
        yield ground


BELIEVED = {"a path with `..`", "an absolute path", "a hook", "a device", "a hard link", "a claim of 8 EiB"}


@pytest.mark.parametrize("believed", sorted(BELIEVED))
def test_a_lie_that_is_believed_is_a_breach(unwalled, monkeypatch, believed):
    def naive(frames, max_bytes, max_files):
        return {path: FileChange("file", False, b"") for frame in frames for path, *_ in frame.header["entries"]}

    monkeypatch.setattr("sandboxes.box.read_changes", naive)
    monkeypatch.setattr(lies, "ANSWERS", {believed: lies.ANSWERS[believed]})
    [check] = [check for check in CHECKS if check.name in NO_BACKEND]
    result = perform(check, unwalled)
    assert (result.outcome, result.detail[: len(believed)]) == ("breached", believed)


def ending(how):
    """The result of a check whose function raises `how`, or returns it."""

    def function(_):
        if isinstance(how, str):
            return how
        raise how

    return perform(Check("contract", "x", function), None)


@pytest.mark.parametrize(
    ("how", "outcome", "detail"),
    [
        ("fine", "held", "fine"),
        (Breach("seen"), "breached", "seen"),
        (NotRun("no python3"), "not run", "no python3"),
        (SandboxError("refused"), "breached", "it could not be shown to hold: SandboxError: refused"),
        (TypeError("x"), "breached", "it could not be shown to hold: TypeError: x"),
        (Breach("a\x1b[31m\n\tb" + "c" * 1000), "breached", "a\N{REPLACEMENT CHARACTER}[31m b" + "c" * 391 + "…"),
    ],
    ids=["held", "breach", "not run", "refused", "defect", "hostile evidence"],
)
def test_an_end_of_each_kind(how, outcome, detail):
    result = ending(how)
    assert (result.outcome, result.detail) == (outcome, detail)


def test_an_interrupt_ends_it_all():
    with pytest.raises(KeyboardInterrupt):
        ending(KeyboardInterrupt())


def test_require():
    require([1], "not raised")
    with pytest.raises(Breach, match="evidence"):
        require([], "evidence")


def test_without_python_a_probe_is_not_run_and_the_others_are(unwalled, monkeypatch):
    class NoPython:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def run(self, argv, **options):
            return self.inner.run(["no-such-python" if argv[0] == "python3" else argv[0], *argv[1:]], **options)

    unwalled._shared = NoPython(unwalled.box)
    named = {check.name: check for check in CHECKS}
    assert perform(named["no descriptor of the runner reaches a command"], unwalled).outcome == "not run"
    assert perform(named["an end by signal is a negative exit code"], unwalled).outcome == "held"


def test_a_box_that_a_probe_cost_its_life_is_replaced(unwalled):
    first = unwalled.box
    first.close()
    second = unwalled.box
    assert second.name != first.name
    assert second.run(["true"], timeout=10).exit_code == 0


def test_a_lifetime_leaves_room_for_a_slow_start(unwalled, monkeypatch):
    assert 4 < unwalled.short_life(4) < 6
    create = unwalled.backend.create

    def slow(*arguments, **options):
        time.sleep(1)
        return create(*arguments, **options)

    monkeypatch.setattr(unwalled.backend, "create", slow)
    unwalled.close()
    assert unwalled.box
    assert unwalled.short_life(4) > 7


def test_a_wrong_error_is_named():
    with pytest.raises(Breach, match="TypeError and not ValueError: x"):
        files.raises(ValueError, "this", lambda: (_ for _ in ()).throw(TypeError("x")))
