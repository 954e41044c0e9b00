"""Which images will do on a real cluster: without Python, with one too old, without a shell, for another processor."""

import json
import os
import time

import pytest

from sandboxes.contract import LimitUnenforceable
from sandboxes.interpreter import start
from sandboxes.on_kubernetes.pod import LAST_WORDS
from sandboxes.on_kubernetes.runner_maps import KEPT_S
from tests.sandboxes import kubernetes_cluster as cluster
from tests.sandboxes.conftest import new_name
from tests.sandboxes.contract.test_files import tree
from tests.sandboxes.images import EMPTY, FOREIGN, OLD, SHELL
from tests.sandboxes.kubernetes_pods import DEVICES, SMALL, WRITABLE_PLACES, another, left_behind, own_backend, refused

pytestmark = pytest.mark.xdist_group("kubernetes")


@pytest.fixture
def elsewhere():
    """Makes a backend with another place or owner."""
    own_backend()  # skips without a cluster
    return another


@pytest.mark.parametrize("wanted", [SHELL, OLD], ids=lambda one: one.name)
def test_an_image_without_a_python_for_the_runner_will_do(elsewhere, wanted):
    backend = elsewhere(image=cluster.image(wanted))
    for _ in range(2):  # tried once, and known
        with backend.create(SMALL, name=new_name()) as box:
            box.put_tree(tree({"a": b"1"}))
            assert box.run(["sh", "-c", "printf 2 > b; cat a"], timeout=20).stdout == b"1"
            assert list(box.get_changes()) == ["b"]
            with elsewhere().attach(box.name) as again:
                assert again.read("b") == b"2"
                env = again.run(["env"], timeout=10).stdout.decode().splitlines()
    assert backend._reach()._bare == {backend._image}
    assert "IMAGE_SAYS=as the image sets it" in env
    assert not any(line.startswith(("KUBERNETES", "OLDPWD", "LD_")) for line in env)
    assert not left_behind(backend)


def test_what_was_brought_cannot_be_written_by_a_box(elsewhere):
    with elsewhere(image=cluster.image(SHELL)).create(SMALL, name=new_name()) as box:
        python = [*start("/run/forgehand-python"), "-I"]
        found = set(box.run([*python, "-c", WRITABLE_PLACES], timeout=30).stdout.decode().split())
        # An image without /root gets one that is open to everybody: the kubelet's file there, see k8s/README.md.
        assert found - DEVICES == {"/work", "/home/sandbox", "/tmp", "/dev/shm", "/dev/mqueue", LAST_WORDS}
        for wish in (
            "echo > /run/forgehand-python/complete",
            "chmod 777 /run/forgehand-python/ld.so",
            "ls /run/forgehand-parts",
        ):
            assert box.run(["sh", "-c", wish], timeout=10).exit_code != 0, wish
        assert box.run(["sh", "-c", "ls -ln /run/forgehand-python/ld.so"], timeout=10).stdout.startswith(b"-r-xr-xr-x")


def test_a_cluster_can_be_tried_with_an_image_without_python(elsewhere):
    backend = elsewhere(image=cluster.image(SHELL))
    proven = backend._reach()._findings.pop(False)
    with cluster.without_walls(), pytest.raises(LimitUnenforceable, match=":10250"):
        backend.probe()
    backend.probe()
    assert backend._reach()._findings == {False: proven}


def test_an_image_without_a_shell(elsewhere):
    words, seconds = refused(backend := elsewhere(image=cluster.image(EMPTY)))
    assert "neither python3 nor a shell" in words
    assert '"sh": executable file not found' in words
    assert "sh, cat, mkdir and chmod" in words
    assert seconds < 40
    assert not left_behind(backend)


def test_an_image_for_another_kind_of_processor(elsewhere):
    words, seconds = refused(backend := elsewhere(image=cluster.image(FOREIGN)))
    assert "another kind of processor" in words
    assert "exec format error" in words
    assert seconds < 40
    assert not left_behind(backend)


def test_nodes_for_which_there_is_no_python_to_bring(elsewhere):
    backend = elsewhere(image=cluster.image(SHELL), node_selector={"kubernetes.io/arch": "pdp11"})
    backend._reach()._bare.add(backend._image)  # such nodes are not here to find it out
    words, _ = refused(backend)
    assert "not for nodes of pdp11" in words


def python_maps(namespace):
    listed = cluster.kubectl(
        "get", "configmaps", "-n", namespace, "-o", "name", "-l", "app.kubernetes.io/name=runner", "--no-headers"
    )
    return [name.removeprefix("configmap/") for name in listed.split() if "/forgehand-python-" in name]


@pytest.fixture
def own_namespace():
    with cluster.namespace_of_its_own(f"maps-{os.getpid()}") as namespace:
        yield namespace


def test_parts_of_the_python_come_back_are_checked_and_swept(elsewhere, own_namespace):
    backend = elsewhere(namespace=own_namespace, image=cluster.image(SHELL))

    def works():
        with backend.create(SMALL, name=new_name()) as box:
            return box.run(["echo", "ok"], timeout=20).stdout == b"ok\n"

    assert works()
    made = python_maps(own_namespace)
    assert len(made) > 5
    cluster.kubectl("delete", "configmap", made[0], made[3], "-n", own_namespace)
    assert works()
    assert python_maps(own_namespace) == made

    maps, later = backend._reach().maps, time.time() + KEPT_S + 60
    assert maps.sweep(later) == [], "they are this version's"
    other = elsewhere(namespace=own_namespace)
    with backend.create(SMALL, name=new_name()):
        assert other._reach().maps.sweep(later) == [], "a pod mounts them"
    cluster.kubectl("delete", "pods", "--all", "-n", own_namespace)
    assert other._reach().maps.sweep(later - 120) == [], "they are young"
    assert sorted(name for name in other._reach().maps.sweep(later) if "-python-" in name) == made
    assert python_maps(own_namespace) == []

    forged = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": made[2]}, "data": {"000": "mine"}}
    cluster.kubectl("create", "-n", own_namespace, "-f", "-", stdin=json.dumps(forged))
    words, _ = refused(backend)
    assert f"the ConfigMap {made[2]} does not hold what it is named after" in words
    assert f"kubectl delete configmap {made[2]}" in words
