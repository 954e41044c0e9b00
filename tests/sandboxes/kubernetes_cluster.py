"""The cluster of shared/kube, made ready for boxes: images, manifests, and the wall its network plugin does not build.

Only that cluster is ever touched, never one a KUBECONFIG of the machine's user names. Its own limits, and what is done
about them here: kubelet 1.20 sizes tmpfs volumes behind a feature gate only (it is set), and the plain bridge plugin
ignores NetworkPolicies (iptables rules on its bridge stand for them).
"""

import base64
import contextlib
import fcntl
import functools
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from sandboxes import KubernetesBackend
from sandboxes.egress.policy import Network
from sandboxes.on_kubernetes import Place
from tests.engines import ABSENT
from tests.sandboxes.images import PYTHON, Image, root_of

RUN = Path(os.environ.get("KUBE_RUN", "/run/forgehand-kube"))
ADMIN = RUN / "admin.kubeconfig"
NAMESPACE = "forgehand-sandboxes"
MANIFESTS = Path(__file__).parents[2] / "k8s"
OWNER = f"test-{os.getpid()}"
_WALLS = [
    [program, chain, direction, "cni0", "-j", "DROP"]
    for program in ("iptables", "ip6tables")
    for chain, direction in (("INPUT", "-i"), ("FORWARD", "-i"), ("FORWARD", "-o"))
]


def no_cluster(why: str) -> NoReturn:
    """Skips, loudly: unlike other engines a cluster is not required even where engines are."""
    pytest.skip(f"{ABSENT}: a Kubernetes cluster ({why})")


def kubectl(*arguments: str, stdin: str | None = None, check: bool = True) -> str:
    """What kubectl says as the cluster's administrator. CalledProcessError."""
    command = ["kubectl", "--kubeconfig", str(ADMIN), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout + ("" if check else done.stderr)


def ready() -> None:
    """Skips unless the cluster answers; then brings it, once, to where boxes can be made."""
    if not ADMIN.exists() or not shutil.which("kubectl"):
        no_cluster(f"{ADMIN} is not there: shared/kube/up starts one")
    answer = kubectl("get", "--raw", "/readyz", check=False)
    if answer != "ok":
        no_cluster(f"it is not ready: {answer[:200]}")
    with _alone():
        _sized_volumes()
        kubectl("apply", "-k", str(MANIFESTS / "sandbox"))
        raise_walls()


def place(**options: object) -> Place:
    """Where boxes of this test process go: as the worker's service account, overcommitting the small node."""
    settings = {"request_share": 0.01, "pull_policy": "Never", "start_timeout_s": 60.0}
    return Place(**{"kubeconfig": worker_kubeconfig(), **settings, **options})


def worker_kubeconfig() -> Path:
    """A kubeconfig of the service account k8s/sandbox makes for workers."""
    secret = json.loads(kubectl("get", "secrets", "-n", "forgehand", "-o", "json", "--field-selector=type=" + _TOKENS))[
        "items"
    ]
    found = [one for one in secret if one["metadata"]["annotations"][_ACCOUNT] == "forgehand-worker"]
    token = base64.b64decode(found[0]["data"]["token"]).decode()
    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority": str(RUN / "certs/ca.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "worker",
        "contexts": [{"name": "worker", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    path = Path(tempfile.gettempdir()) / f"forgehand-worker-{hashlib.sha256(token.encode()).hexdigest()[:12]}.json"
    if not path.exists():
        beside = path.with_suffix(f".{os.getpid()}")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(config))
        beside.rename(path)
    return path


_TOKENS = "kubernetes.io/service-account-token"
_ACCOUNT = "kubernetes.io/service-account.name"


def image(wanted: Image = PYTHON) -> str:
    """The image's name on the node, after bringing it there."""
    name = f"localhost/{wanted.tag}"
    with _alone():
        if name not in _ctr("images", "ls", "-q").decode().split():
            with root_of(wanted) as root:
                _import(name, root)
    return name


@contextlib.contextmanager
def without_walls() -> Iterator[None]:
    """A while in which pods reach each other and their node, as on a cluster that ignores NetworkPolicies."""
    with _alone():
        for rule in _WALLS:
            _iptables("-D", rule)
        try:
            yield
        finally:
            raise_walls()


def raise_walls() -> None:
    for rule in _WALLS:
        if _iptables("-C", rule) != 0:
            _iptables("-I", rule)


def _iptables(action: str, rule: list[str]) -> int:
    program, chain, *what = rule
    return subprocess.run([program, "-w", action, chain, *what], capture_output=True, check=False).returncode


def _ctr(*arguments: str, stdin: Path | None = None) -> bytes:
    command = ["ctr", "-a", str(RUN / "containerd.sock"), "-n", "k8s.io", *arguments]
    with stdin.open("rb") if stdin else contextlib.nullcontext() as data:
        return subprocess.run(command, stdin=data, capture_output=True, check=True).stdout


def _import(name: str, root: Path) -> None:
    """Gives a root file system to the node as an image (the archive format of `docker save`)."""
    with root.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "IMAGE_SAYS=as the image sets it"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tempfile.NamedTemporaryFile(suffix=".tar", dir=root.parent) as scratch:
        with tarfile.open(scratch.name, "w") as archive:
            archive.add(root, "layer.tar")
            for member, data in (("config.json", config), ("manifest.json", json.dumps(manifest).encode())):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        _ctr("images", "import", "-", stdin=Path(scratch.name))


_LIVING: list[subprocess.Popen[bytes]] = []
"""Processes that outlive the tests on purpose; Python warns of one that nobody holds."""


def _sized_volumes() -> None:
    """Sets the feature gate, and room for boxes' processes, in the kubelet's configuration and starts it anew."""
    file, pid_file = RUN / "kubelet.yaml", RUN / "log" / "kubelet.pid"
    config = file.read_text()
    if "SizeMemoryBackedVolumes" in config:
        return
    config = config.replace("podPidsLimit: 512", "podPidsLimit: 4096")
    file.write_text(config + "featureGates: {SizeMemoryBackedVolumes: true}\n")
    pid = int(pid_file.read_text())
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        for _ in range(200):
            os.kill(pid, 0)
            time.sleep(0.05)
    with (RUN / "log" / "kubelet.log").open("ab") as log:
        started = subprocess.Popen(
            command, cwd=RUN, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _LIVING.append(started)
    pid_file.write_text(f"{started.pid}\n")
    # Only a heartbeat of the new kubelet proves it up.
    began = time.time()
    while time.time() < began + 60:
        lease = json.loads(kubectl("get", "lease", "-n", "kube-node-lease", "node1", "-o", "json"))
        if _seconds(lease["spec"]["renewTime"]) > began:
            return
        time.sleep(0.5)
    raise AssertionError("the kubelet does not come back")


def _seconds(stamp: str) -> float:
    import datetime

    return datetime.datetime.fromisoformat(stamp).timestamp()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Test processes run side by side: one prepares, the others wait."""
    fd = os.open(RUN / "forgehand-tests.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@functools.cache
def _proven() -> KubernetesBackend:
    ready()
    made = KubernetesBackend(place(), owner=OWNER, image=image())
    made.probe()
    return made


def kubernetes(_state: Path | None = None, *, private: Sequence[Network] = ()) -> KubernetesBackend:
    """A backend of the cluster, proven once for the whole process: that takes four seconds."""
    proven = _proven()
    if not private:
        return proven
    made = KubernetesBackend(place(), owner=OWNER, image=image(), private=private)
    made._reach()._findings = proven._reach()._findings
    return made


@contextlib.contextmanager
def namespace_of_its_own(name: str) -> Iterator[str]:
    """What k8s/sandbox describes once more, under another name, for tests that change it."""
    text = kubectl("kustomize", str(MANIFESTS / "sandbox")).replace(NAMESPACE, name)
    kubectl("apply", "-f", "-", stdin=text)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")
