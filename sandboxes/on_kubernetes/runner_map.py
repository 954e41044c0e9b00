"""The runner's zip on the cluster: an immutable ConfigMap named by its content, which every box mounts."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from ..contract import SandboxUnavailable
from .cluster import Cluster, Gone, Refused
from .fates import Trouble
from .pod import MANAGED, RUNNER_ZIP

LABELS = {MANAGED: "forgehand", "app.kubernetes.io/name": "runner"}


def manifest(namespace: str, data: bytes) -> dict[str, Any]:
    """The ConfigMap; immutable, so that nobody changes what boxes start, and kubelets need not watch it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"forgehand-runner-{hashlib.sha256(data).hexdigest()[:12]}",
            "namespace": namespace,
            "labels": LABELS,
        },
        "immutable": True,
        "binaryData": {posixpath.basename(RUNNER_ZIP): base64.b64encode(data).decode()},
    }


def ensure(cluster: Cluster, namespace: str, data: bytes) -> str:
    """The ConfigMap's name, after making it if it is not there. SandboxUnavailable, Refused."""
    wanted = manifest(namespace, data)
    name = str(wanted["metadata"]["name"])
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for _ in range(3):
        try:
            found = cluster.request("GET", f"{path}/{name}")
        except Gone:
            try:
                found = cluster.request("POST", path, body=wanted)
            except Refused as refused:
                if refused.fate.trouble is not Trouble.EXISTS:
                    raise
                continue  # another worker was faster
        _check(found, wanted)
        return name
    raise SandboxUnavailable("no box can be made", f"the ConfigMap {name} comes and goes", "See who removes it")


def _check(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if found.get("binaryData") != wanted["binaryData"]:
        name = wanted["metadata"]["name"]
        raise SandboxUnavailable(
            "no box can be made",
            f"the ConfigMap {name} does not hold the runner it is named after",
            f"Find out who wrote it, then: kubectl delete configmap {name}",
        )
