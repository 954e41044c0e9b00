"""Boxes of kernels and the sweep: who works in one keeps it, and nothing stays of one whose maker is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernels.hosting import box_name
from sandboxes import PlainBackend
from sandboxes.contract import Backend, SandboxSpec
from settings import Settings
from settings.machines import SandboxKind
from tests.sandboxes import docker_engine, kubernetes_cluster
from tests.sandboxes.conftest import each
from tests.sandboxes.images import PYTHON
from tests.workers.bench import Bench
from workers.backends import make_backend
from workers.kernel_place import kernel_boxes, make_place
from workers.sweeper import reap
from workers.workshop import Workshop

ROOT = Path(__file__).parents[2]
OWNER = "an-owner-of-thirty-nine-characters-0000"
KILLED = """
import os, signal, sys
from sandboxes.contract import SandboxSpec
from settings import Settings
from workers.kernel_place import kernel_boxes

boxes = kernel_boxes(Settings.model_validate_json(sys.stdin.read()))
boxes.create(SandboxSpec(lifetime_s=3.0), name=sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


def contained(kind: SandboxKind, state: Path) -> Settings:
    """Tasks and kernels both in containers of this kind."""
    more: dict[str, Any] = {}
    if kind == "docker":
        docker_engine.docker("runc")
        image = docker_engine.image(PYTHON)
    else:
        kubernetes_cluster.ready()
        image = kubernetes_cluster.image(PYTHON)
        kubeconfig = str(kubernetes_cluster.worker_kubeconfig())
        place = {"request_share": 0.01, "pull_policy": "Never", "start_timeout_s": 30.0}
        more["kubernetes"] = {"kubeconfig": kubeconfig, **place}
    return Settings(state_dir=state, sandbox=kind, sandbox_image=image, kernel_image=image, sandbox_owner=OWNER, **more)


def workshop_of(folder: Path, settings: Settings, backend: Backend) -> Workshop:
    return replace(Bench(folder).workshop, settings=settings, backend=backend)


def kill_in_a_box(settings: Settings, name: str) -> int:
    """A worker that makes a box of a kernel and is killed in it; its exit status."""
    command, given = [sys.executable, "-c", KILLED, name], settings.model_dump_json()
    return subprocess.run(command, input=given, text=True, cwd=ROOT, timeout=120, check=False).returncode


@pytest.fixture(params=each(["docker-runc", "kubernetes"]))
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    made = contained("docker" if "docker" in request.param else "kubernetes", tmp_path)
    yield made
    assert list(kernel_boxes(made).reap(tuple)) == []


def test_a_sweep_leaves_a_kernels_box_to_who_works_in_it(settings: Settings, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, settings, make_backend(settings))
    place = make_place(settings)
    nobodys = workshop.backend.create(place.spec(60.0), name="nobodys-attempt-1")
    with place.backend.create(place.spec(60.0), name=box_name("reference")) as box:
        assert reap(workshop) == ["nobodys-attempt-1"]
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"
    nobodys.close()


def test_what_a_killed_worker_leaves_is_swept_when_its_time_is_over(settings: Settings, tmp_path: Path) -> None:
    """Though tasks have boxes of another kind: their sweep looks at none of these."""
    settings = settings.model_copy(update={"sandbox": "local", "kernel_sandbox": settings.sandbox})
    workshop = workshop_of(tmp_path, settings, PlainBackend(tmp_path, allow_unisolated=True))
    name = box_name("candidate")
    assert kill_in_a_box(settings, name) == -9
    # Only the end of its time lets a sweep have it; a pod's begins when it has started.
    deadline = time.monotonic() + 90.0
    while not (swept := reap(workshop)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert swept == [name]
    assert reap(workshop) == []


def test_kernels_in_local_boxes_are_swept_where_tasks_have_containers(tmp_path: Path) -> None:
    settings = Settings(
        state_dir=tmp_path, sandbox="docker", kernel_sandbox="local", sandbox_allow_unisolated=True, sandbox_owner=OWNER
    )
    workshop = workshop_of(tmp_path, settings, PlainBackend(tmp_path / "tasks", allow_unisolated=True))
    name = box_name("reference")
    assert kill_in_a_box(settings, name) == -9
    assert reap(workshop) == [name]
    with kernel_boxes(settings).create(SandboxSpec(), name=box_name("reference")) as box:
        assert reap(workshop) == []
        assert box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"


def test_workers_with_one_process_number_never_share_a_boxs_name() -> None:
    """As the first processes of two containers: the number and the count begin alike in both."""
    code = "from kernels import hosting; hosting.os.getpid = lambda: 1; print(hosting.box_name('reference'))"
    names = {subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) for _ in range(2)}
    assert len(names) == 2
