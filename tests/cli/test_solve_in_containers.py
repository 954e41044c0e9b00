"""`forgehand solve` with boxes on a real engine and a real cluster, by settings alone: image, set-up, warm boxes."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cli.ground import SCRIPT, SUMS, Forgehand, make_repository
from tests.sandboxes import docker_engine, kubernetes_cluster
from tests.sandboxes.images import PYTHON

# The image has no `python`; the set-up makes one, so that nothing works without it.
SETTINGS = (
    "test: python -m unittest discover -s tests -t .\n"
    'setup: mkdir -p ~/.local/bin && ln -s "$(command -v python3)" ~/.local/bin/python\n'
)


def docker() -> dict[str, str]:
    docker_engine.docker("runc")
    return {"FORGEHAND_SANDBOX": "docker", "FORGEHAND_SANDBOX_IMAGE": docker_engine.image(PYTHON)}


def kubernetes() -> dict[str, str]:
    kubernetes_cluster.ready()
    place = kubernetes_cluster.place()
    chosen = {
        "kubeconfig": str(place.kubeconfig),
        "pull_policy": place.pull_policy,
        "request_share": place.request_share,
        "start_timeout_s": place.start_timeout_s,
    }
    return {
        "FORGEHAND_SANDBOX": "kubernetes",
        "FORGEHAND_SANDBOX_IMAGE": kubernetes_cluster.image(),
        "FORGEHAND_KUBERNETES": json.dumps(chosen),
    }


@pytest.mark.parametrize(
    ("engine", "isolation"), [(docker, "docker (runc)"), (kubernetes, "kubernetes (node default)")]
)
def test_a_change_is_proven_in_containers(
    engine: Callable[[], Mapping[str, str]],
    isolation: str,
    forgehand: Forgehand,
    issue: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in engine().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FORGEHAND_SANDBOX_OWNER", f"solve-test-{tmp_path.parent.name[-20:]}")
    sums = make_repository(tmp_path / "sums", {**SUMS, ".forgehand.yml": SETTINGS})
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", f"scripted:{SCRIPT}", "--json")
    assert ran.status == 0, (ran.err, ran.out)
    proof = json.loads(Path(ran.document["proof"]).read_text())
    assert (proof["verdict"], proof["isolation"]) == ("proven", isolation)
    left = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label=forgehand.dev/owner=solve-test-{tmp_path.parent.name[-20:]}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert left.stdout == "", "warm boxes end with the solve"
