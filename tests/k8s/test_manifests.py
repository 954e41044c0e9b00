"""The manifests of k8s/: valid for current Kubernetes by its own schemas, and taken by a real API server."""

import json
import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.sandboxes import kubernetes_cluster as cluster

FOLDER = Path(__file__).parents[2] / "k8s"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
DOCUMENTS = [(path, document) for path in FILES for document in yaml.safe_load_all(path.read_text())]
alone = pytest.mark.xdist_group("kubernetes")


@pytest.fixture(scope="module")
def ready():
    cluster.ready()


@pytest.mark.parametrize("version", ["1.25", "1.29", "1.33", "1.37"])
@pytest.mark.parametrize(
    ("path", "document"), DOCUMENTS, ids=lambda value: value.name if isinstance(value, Path) else None
)
def test_every_manifest_is_valid(path, document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_every_file_is_named_by_its_kustomization():
    for kustomization in FOLDER.rglob("kustomization.yaml"):
        named = yaml.safe_load(kustomization.read_text())["resources"]
        there = [path.name for path in kustomization.parent.glob("*.yaml") if path != kustomization]
        assert sorted(named) == sorted(there)


def test_nothing_but_the_worker_may_do_anything():
    bindings = [one for _, one in DOCUMENTS if one["kind"].endswith("RoleBinding")]
    assert [one["subjects"] for one in bindings] == [
        [{"kind": "ServiceAccount", "name": "forgehand-worker", "namespace": "forgehand"}]
    ]
    assert not [one for _, one in DOCUMENTS if one["kind"] == "ClusterRole"]
    for role in (one for _, one in DOCUMENTS if one["kind"] == "Role"):
        assert "*" not in json.dumps(role["rules"])


def test_both_directions_are_denied_to_every_pod():
    policies = [one["spec"] for _, one in DOCUMENTS if one["kind"] == "NetworkPolicy"]
    assert all(set(policy) == {"podSelector", "policyTypes"} and policy["podSelector"] == {} for policy in policies)
    assert sorted(kind for policy in policies for kind in policy["policyTypes"]) == ["Egress", "Ingress"]


@alone
def test_applying_twice_changes_nothing(ready):
    said = cluster.kubectl("apply", "-k", str(FOLDER / "sandbox"))
    # Kubernetes 1.20 calls a PriorityClass configured each time: the server sets what it was not told.
    changed = [line for line in said.splitlines() if not line.endswith("unchanged") and "priorityclass" not in line]
    assert not changed


@alone
@pytest.mark.parametrize("how", [["-k", "gpu"], ["-f", "runtime-classes"], ["-k", "sandbox"]], ids=lambda how: how[1])
def test_a_real_server_takes_them(ready, how):
    said = cluster.kubectl("apply", "--dry-run=server", how[0], str(FOLDER / how[1]))
    assert all(line.endswith("(server dry run)") for line in said.splitlines())


POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  containers: [{name: a, image: localhost/none, imagePullPolicy: Never, resources: RESOURCES}]
"""


@pytest.fixture(scope="module")
def namespace(ready):
    with cluster.namespace_of_its_own(f"refusals-{os.getpid()}") as name:
        yield name


def refusal(namespace, manifest):
    return cluster.kubectl("create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=manifest, check=False)


@alone
@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ('{limits: {cpu: "17"}}', "maximum cpu usage per Container is 16"),
        ("{limits: {memory: 65Gi}}", "maximum memory usage per Container is 64Gi"),
        ("{limits: {ephemeral-storage: 2Gi}}", "maximum ephemeral-storage usage per Container is 1Gi"),
        ('{limits: {nvidia.com/gpu: "1"}}', "exceeded quota: gpus"),
    ],
)
def test_limits_and_quotas_refuse_a_pod(namespace, resources, words):
    assert words in refusal(namespace, POD.replace("NAME", "large").replace("RESOURCES", resources))


@alone
@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}",
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], "
        "resources: {requests: {storage: 1Gi}}}}",
        "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {restartPolicy: Never, "
        "containers: [{name: a, image: b}]}}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {a: b}}, "
        "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}}}",
    ],
    ids=["service", "claim", "job", "deployment"],
)
def test_there_is_nothing_but_pods(namespace, manifest):
    assert "exceeded quota: sandboxes" in refusal(namespace, json.dumps(yaml.safe_load(manifest)))


@alone
def test_a_container_that_says_nothing_gets_the_defaults(namespace):
    manifest = POD.replace("NAME", "quiet").replace("RESOURCES", "{}")
    made = cluster.kubectl("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest)
    limits = json.loads(made)["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "32Mi"}
