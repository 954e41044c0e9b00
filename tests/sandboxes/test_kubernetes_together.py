"""Boxes that belong together, on a real scheduler and two nodes.

The cluster of tests has one node. Of the second only the scheduler knows: what it is given is never started there, and
where pods are put is all that is asked.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config

from sandboxes.contract import SandboxSpec
from sandboxes.on_kubernetes import Place
from sandboxes.on_kubernetes.pod import Identity, Runner, make_pod
from tests.sandboxes import kubernetes_cluster as cluster
from tests.sandboxes.conftest import new_name
from tests.sandboxes.kubernetes_pods import MIB, SMALL, own_backend

pytestmark = pytest.mark.xdist_group("kubernetes")
# Enough that a node with one more of them is the fuller one, and little enough for all of them on either.
SPEC = {"cpus": 0.04, "memory_bytes": 32 * MIB, "disk_bytes": MIB}
WORDS = ("one", "two", "three", "four")


@pytest.fixture
def core() -> client.CoreV1Api:
    cluster.ready()
    return client.CoreV1Api(config.new_client_from_config(str(cluster.ADMIN)))


def only_node(core: client.CoreV1Api) -> Any:
    """Ready: its kubelet is started anew when the cluster is first used."""
    until = time.monotonic() + 60
    while True:
        [node] = [one for one in core.list_node().items if not one.metadata.name.startswith("second-")]
        if any(one.type == "Ready" and one.status == "True" for one in node.status.conditions) and not node.spec.taints:
            return node
        assert time.monotonic() < until, f"{node.metadata.name} does not become ready"
        time.sleep(0.3)  # a watch would be longer than the test


@pytest.fixture
def second_node(core: client.CoreV1Api) -> Iterator[str]:
    name = f"second-{os.getpid()}"
    first = only_node(core)
    core.create_node({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
    try:
        ready = {"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime()
        )}  # fmt: skip
        room = first.status.allocatable
        core.patch_node_status(name, {"status": {"capacity": room, "allocatable": room, "conditions": [ready]}})
        core.patch_node(name, {"spec": {"taints": []}})
        yield name
    finally:
        core.delete_node(name)


def put(core: client.CoreV1Api, namespace: str, name: str, together: str | None) -> None:
    identity = Identity(name, "together", b"\1" * 32, 2_000_123, time.time() + 300, {})
    spec = SandboxSpec(**SPEC, together=together)
    place = Place(namespace=namespace, pull_policy="Never")
    runner = Runner("forgehand-runner-0")
    core.create_namespaced_pod(
        namespace, make_pod(spec, place, identity, image="localhost/none:1", command=["door"], runner=runner)
    )


def test_they_are_scheduled_onto_one_node(core: client.CoreV1Api, second_node: str) -> None:
    with cluster.namespace_of_its_own(f"together-{os.getpid()}") as namespace:
        for number in range(4):
            put(core, namespace, f"alone-{number}", None)
            for word in WORDS:
                put(core, namespace, f"{word}-{number}", word)
        until, where = time.monotonic() + 30, {}
        while time.monotonic() < until and (len(where) < 20 or not all(where.values())):
            pods = core.list_namespaced_pod(namespace).items
            where = {one.metadata.annotations["forgehand.dev/box"]: one.spec.node_name for one in pods}
            time.sleep(0.2)  # the scheduler takes milliseconds each; nothing else is waited for
    groups = {word: {node for box, node in where.items() if box.startswith(word)} for word in WORDS}
    assert {word: len(nodes) for word, nodes in groups.items()} == dict.fromkeys(WORDS, 1), where
    assert len(set(where.values())) == 2, f"both nodes could be had: {where}"


def test_a_box_says_which_node_it_is_on(core: client.CoreV1Api) -> None:
    backend, names = own_backend(), {one.metadata.name for one in core.list_node().items}
    spec = SandboxSpec(memory_bytes=SMALL.memory_bytes, disk_bytes=SMALL.disk_bytes, together="boxes")
    with backend.create(spec, name=new_name()) as one, backend.create(spec, name=new_name()) as other:
        assert one.machine == other.machine
        assert one.machine in names
