"""The kernel lane on every kind of machine: the same verdicts, and nothing left of the boxes."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from kernels.broker import Broker
from kernels.cases import read_cases
from kernels.hosting import Place, Role, Worker
from kernels.verdicts import PASSED, Verdict, Wrong
from sandboxes import Box, SandboxSpec, SandboxUnavailable
from sandboxes.contract import Backend
from sandboxes.on_kubernetes.backend import KubernetesBackend
from settings import Settings, load_settings
from settings.machines import SandboxKind
from tests.engines import absent
from tests.kernels.image import PYTHON_IN_IMAGE, kernel_image
from tests.sandboxes import docker_engine, kubernetes_cluster
from workers import kernel_place
from workers.kernel_place import kernel_python, make_place

CASES = {one.name: one for one in read_cases()}


@pytest.fixture(scope="module")
def folder() -> Path:
    found = kernel_python(load_settings().kernel_home)
    if found is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return found


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("docker", marks=pytest.mark.xdist_group("docker")),
        pytest.param("kubernetes", marks=pytest.mark.xdist_group("kubernetes")),
    ],
)
def contained(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    kind: SandboxKind = request.param
    more: dict[str, Any] = {}
    if kind == "docker":
        docker_engine.docker("runc")
        image = docker_engine.image(kernel_image(folder))
    else:
        kubernetes_cluster.ready()
        image = kubernetes_cluster.image(kernel_image(folder))
        more["kubernetes"] = {
            "kubeconfig": kubernetes_cluster.worker_kubeconfig(), "request_share": 0.01, "pull_policy": "Never",
        }  # fmt: skip
    settings = Settings(
        state_dir=tmp_path_factory.mktemp(kind), kernel_sandbox=kind, kernel_image=image,
        kernel_image_python=PYTHON_IN_IMAGE, sandbox_owner=f"kernels-{kind}", **more,
    )  # fmt: skip
    place = make_place(settings)
    yield place
    assert list(place.backend.reap(lambda: ())) == [], "every box was closed by who made it"


@pytest.mark.parametrize(("name", "wrong"), [("linear_tanh/fused", None), ("linear_tanh/object_cache", Wrong.stale)])
def test_a_container_gives_the_same_verdicts(contained: Place, name: str, wrong: Wrong | None) -> None:
    case = CASES[name]
    with Broker(contained) as broker:
        report = broker.verify(case.task, case.candidate, quick=True)
    assert report.isolation.startswith(contained.backend.name), report
    assert report.wrong is wrong
    assert (report.verdict in PASSED) if wrong is None else (report.verdict is Verdict.incorrect), report


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kernel_home": Path("/nowhere")}, "make kernel-python"),
        ({"kernel_sandbox": "docker"}, "FORGEHAND_KERNEL_IMAGE is not set"),
        ({"sandbox": "kubernetes"}, "FORGEHAND_KERNEL_IMAGE is not set"),
    ],
)
def test_a_place_that_cannot_be_had_says_what_to_do(given: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable) as told:
        make_place(Settings(state_dir=tmp_path, **given))
    assert why in str(told.value)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kernel_sandbox": "local"}, "in local boxes: they see no devices. Set FORGEHAND_KERNEL_SANDBOX to docker or"),
        (
            {"kernel_sandbox": "docker", "kernel_image": "i"},
            "FORGEHAND_DOCKER_GPUS is not set. Name those",
        ),
        ({"kernel_sandbox": "docker", "docker_gpus": ("GPU-1",)}, "FORGEHAND_KERNEL_GPU_IMAGE is not set"),
        ({"kernel_sandbox": "kubernetes"}, "FORGEHAND_KERNEL_GPU_IMAGE is not set"),
    ],
)
def test_a_place_with_a_gpu_that_cannot_be_had_says_what_to_do(given: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable) as told:
        make_place(Settings(state_dir=tmp_path, kernel_home=tmp_path, **given), device="cuda")
    assert why in str(told.value)


@pytest.mark.parametrize("driver", [True, False])
def test_boxes_without_walls_see_the_devices_of_their_machine(
    driver: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no bubblewrap
    monkeypatch.setattr(kernel_place, "DRIVER", tmp_path if driver else tmp_path / "none")
    done = tmp_path / f"kernel-python-{'.'.join(map(str, sys.version_info[:3]))}-a" / ".complete"
    done.parent.mkdir()
    done.touch()
    settings = Settings(state_dir=tmp_path, kernel_home=tmp_path, sandbox_allow_unisolated=True)
    if not driver:
        with pytest.raises(SandboxUnavailable, match="Install NVIDIA's driver"):
            make_place(settings, device="cuda")
        return
    place = make_place(settings, device="cuda")
    assert (place.device, place.gpus, place.backend.name) == ("cuda", 0, "plain"), "none is lent"
    with place.backend.create(place.spec(60.0), name="seen") as box:
        assert box.isolation == "none"
    place = make_place(settings)
    assert (place.device, place.gpus) == ("cpu", 0)


@pytest.mark.parametrize(("own", "image"), [("for-cuda", "for-cuda"), ("", "for-cpu")])
def test_a_box_in_a_cluster_is_lent_a_gpu_of_its_own(
    own: str, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cluster of ours has one: what would be asked of it is looked at."""
    monkeypatch.setattr(KubernetesBackend, "probe", lambda _: None)
    settings = Settings(state_dir=tmp_path, kernel_sandbox="kubernetes", kernel_image="for-cpu", kernel_gpu_image=own)
    place = make_place(settings, device="cuda")
    assert (place.device, place.image, place.gpus) == ("cuda", image, 1)
    place = make_place(settings)
    assert (place.device, place.image, place.gpus) == ("cpu", "for-cpu", 0)


@dataclass
class Asked:
    """A backend that notes what is asked of it, and has nothing."""

    specs: list[SandboxSpec] = field(default_factory=list)

    def create(self, spec: SandboxSpec, *, name: str) -> Box:
        self.specs.append(spec)
        raise SandboxUnavailable(name, "there is none", "Try again")


@pytest.mark.parametrize(
    ("role", "lent"),
    [("reference", 1), ("candidate", 1), ("checking_device", 1), ("compiling", 0), ("interpreting", 0)],
)
def test_only_what_computes_on_a_device_is_lent_one(role: Role, lent: int) -> None:
    backend = Asked()
    place = Place(cast(Backend, backend), Path("python"), together="these", device="cuda", gpus=1)
    with pytest.raises(SandboxUnavailable):
        Worker(place, role)
    assert [(one.gpus, one.together) for one in backend.specs] == [(lent, "these")]


def test_the_lanes_own_kind_stands_above_that_of_tasks(folder: Path, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, sandbox="docker", kernel_sandbox="local", sandbox_allow_unisolated=True)
    place = make_place(settings)
    assert place.backend.name in ("local", "plain")
    assert place.image is None


def test_the_python_that_was_made_last_is_taken(tmp_path: Path) -> None:
    assert kernel_python(tmp_path) is None
    version = ".".join(map(str, sys.version_info[:3]))
    for number, name in enumerate(["b", "a"]):
        done = tmp_path / f"kernel-python-{version}-{name}" / ".complete"
        done.parent.mkdir()
        done.touch()
        os.utime(done, (number, number))
    assert kernel_python(tmp_path) == tmp_path / f"kernel-python-{version}-a"
