"""What the worker's service account may do on a real API server: what boxes need, and nothing else."""

import json
import subprocess

import pytest

from tests.sandboxes import kubernetes_cluster as cluster

pytestmark = pytest.mark.xdist_group("kubernetes")
BOXES, OWN = "forgehand-sandboxes", "forgehand"
RULES = {
    ("", "pods"): {"create", "get", "list", "watch", "delete"},
    ("", "pods/exec"): {"get", "create"},
    ("", "pods/log"): {"get"},
    ("", "events"): {"get", "list"},
    ("", "configmaps"): {"create", "get", "list", "delete"},
}
EVERYBODYS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): {"create"},
    ("authorization.k8s.io", "selfsubjectrulesreviews"): {"create"},
}
"""What Kubernetes lets everybody who is logged in ask about himself."""


@pytest.fixture(scope="module", autouse=True)
def ready():
    cluster.ready()


def as_worker(*arguments, stdin=None):
    command = ["kubectl", "--kubeconfig", str(cluster.worker_kubeconfig()), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def rules(namespace):
    """Everything the server lets the worker do in a namespace (SelfSubjectRulesReview), as (group, resource): verbs."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    code, said = as_worker("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    assert code == 0, said
    status = json.loads(said)["status"]
    assert not status["incomplete"]
    found: dict[tuple[str, str], set[str]] = {}
    for rule in status["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found, status["nonResourceRules"]


def test_where_the_boxes_are_it_may_do_exactly_this():
    assert rules(BOXES)[0] == {**RULES, **EVERYBODYS}


@pytest.mark.parametrize("namespace", [OWN, "default", "kube-system"])
def test_elsewhere_it_may_do_nothing(namespace):
    assert rules(namespace)[0] == EVERYBODYS


PUBLIC = {"api", "apis", "healthz", "livez", "readyz", "openapi", "version", ".well-known", "openid"}
"""Of the server's own paths, those that tell what it is, how it is and what it can do."""


def test_of_the_server_itself_it_sees_what_everybody_sees():
    for rule in rules(BOXES)[1]:
        assert rule["verbs"] == ["get"]
        assert {url.split("/")[1] for url in rule["nonResourceURLs"]} <= PUBLIC


def pod(**changes):
    spec = {"containers": [{"name": "a", "image": "b"}], **changes}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mine"}, "spec": spec})


def binding(kind):
    return json.dumps(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": "mine"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "forgehand-worker", "namespace": OWN}],
        }
    )


REFUSED = {
    "read secrets beside the boxes": (["get", "secrets", "-n", BOXES], None),
    "read its own namespace's secrets": (["get", "secrets", "-n", OWN], None),
    "read everybody's secrets": (["get", "secrets", "-A"], None),
    "list all pods": (["get", "pods", "-A"], None),
    "list pods of its own namespace": (["get", "pods", "-n", OWN], None),
    "make a pod in its own namespace": (["create", "-n", OWN, "-f", "-"], pod()),
    "make a pod of the system's": (["create", "-n", "kube-system", "-f", "-"], pod(hostPID=True)),
    "see nodes": (["get", "nodes"], None),
    "drain a node": (["patch", "node", "node1", "-p", '{"spec": {"unschedulable": true}}'], None),
    "reach a kubelet": (["get", "--raw", "/api/v1/nodes/node1/proxy/pods"], None),
    "make a role": (["create", "role", "mine", "--verb=get", "--resource=secrets", "-n", BOXES], None),
    "bind a role": (["create", "-n", BOXES, "-f", "-"], binding("RoleBinding")),
    "bind a cluster's role": (["create", "-f", "-"], binding("ClusterRoleBinding")),
    "change its role": (
        ["patch", "role", "forgehand-worker", "-n", BOXES, "--type=json", "-p", '[{"op": "remove", "path": "/rules"}]'],
        None,
    ),
    "make a service account": (["create", "serviceaccount", "mine", "-n", BOXES], None),
    "be somebody else": (["get", "pods", "-n", BOXES, "--as=system:admin"], None),
    "open the network": (["delete", "networkpolicy", "--all", "-n", BOXES], None),
    "raise the quota": (["delete", "resourcequota", "--all", "-n", BOXES], None),
    "remove the limits": (["delete", "limitrange", "--all", "-n", BOXES], None),
    "remove the namespace": (["delete", "namespace", BOXES], None),
    "make a service": (["create", "service", "clusterip", "mine", "--tcp=80", "-n", BOXES], None),
    "make a namespace": (["create", "namespace", "mine"], None),
    "make a priority class": (["create", "priorityclass", "mine", "--value=100"], None),
    "admit what it likes": (["get", "mutatingwebhookconfigurations"], None),
}


@pytest.mark.parametrize("wish", REFUSED)
def test_it_may_not(wish):
    arguments, stdin = REFUSED[wish]
    code, said = as_worker(*arguments, stdin=stdin)
    assert code != 0
    assert "forbidden" in said.lower(), said


def test_it_may_not_change_a_pod_that_is_there():
    name = f"standing-{cluster.OWNER}"
    cluster.kubectl("run", name, "--image=localhost/none", "--image-pull-policy=Never", "-n", BOXES)
    try:
        for how in (
            ["patch", "pod", name, "-n", BOXES, "-p", '{"metadata": {"labels": {"a": "b"}}}'],
            ["label", "pod", name, "a=b", "-n", BOXES],
            ["port-forward", f"pod/{name}", "18080:80", "-n", BOXES],
            ["attach", name, "-n", BOXES],
        ):
            code, said = as_worker(*how)
            assert code != 0
            assert "forbidden" in said.lower() or "not running" in said.lower(), said
    finally:
        cluster.kubectl("delete", "pod", name, "-n", BOXES, "--wait=false", "--grace-period=0", "--force")


def test_who_a_box_is_may_do_nothing():
    for verb, resource in (("get", "pods"), ("create", "pods"), ("get", "secrets"), ("list", "configmaps")):
        user = f"--as=system:serviceaccount:{BOXES}:forgehand-sandbox"
        assert cluster.kubectl("auth", "can-i", verb, resource, "-n", BOXES, user, check=False).startswith("no")
