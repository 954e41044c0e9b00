"""The runner on the cluster: immutable ConfigMaps named by their content, which boxes mount and a sweep removes."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from .. import interpreter
from ..contract import SandboxUnavailable
from ..package import runner_zip
from .bringing import Python, cut, space
from .cluster import Cluster, Gone, Refused
from .fates import Trouble
from .pod import MANAGED, RUNNER_ZIP, Runner

LABELS = {MANAGED: "forgehand", "app.kubernetes.io/name": "runner"}
KEPT_S = 14 * 86400.0
"""How old one gets before a sweep removes it, unless a pod mounts it: it is made again where that was wrong."""
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Names and dates, where the whole would be megabytes (Kubernetes API Concepts, "Resource metadata")."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a ConfigMap holds. `kind` is part of its name."""

    kind: str
    data: Mapping[str, bytes]

    @property
    def name(self) -> str:
        digest = hashlib.sha256()
        for key, content in sorted(self.data.items()):
            digest.update(b"%s\0%d\0" % (key.encode(), len(content)))
            digest.update(content)
        return f"forgehand-{self.kind}-{digest.hexdigest()[:12]}"

    def manifest(self, namespace: str) -> dict[str, Any]:
        """Immutable, so that nobody changes what boxes start, and kubelets need not watch it."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.name, "namespace": namespace, "labels": LABELS},
            "immutable": True,
            "binaryData": {key: base64.b64encode(content).decode() for key, content in self.data.items()},
        }


class RunnerMaps:
    """The ConfigMaps of one namespace, which all installations there share. Thread-safe."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._base = f"/api/v1/namespaces/{namespace}"
        self._path = f"{self._base}/configmaps"
        self._lock = threading.Lock()
        self._seen: dict[str, str] = {}
        """By name the uid of those that this process has compared with what they must hold: they cannot change."""

    def runner(self, python: Python) -> Runner:
        """What a pod mounts, after making of it what is not there. Refused, SandboxUnavailable."""
        wanted = _contents(python)
        before = dict(self._seen)
        there = {str(one["name"]): str(one["uid"]) for one in self._listed()}
        for name, content in wanted:
            if name in there and before.get(name) == there[name]:
                continue
            with self._lock:
                if self._seen.get(name) == before.get(name):  # else another thread has just done it
                    self._seen[name] = self._ensure(name, content)
        modules, *parts = [name for name, _ in wanted]
        return Runner(modules, tuple(parts), space(interpreter.bundle()) if parts else 0)

    def sweep(self, now: float) -> list[str]:
        """Removes those of versions gone by that no pod of the namespace mounts; their names.

        `now` in seconds since 1970. Refused. Who makes a pod with one of them at this very moment finds it missing:
        that pod waits until the next box that is made has brought it back, or its time to start is over.
        """
        old = [one for one in self._listed() if now - _made(one) > KEPT_S and one["name"] not in self._seen]
        mounted = self._mounted() if old else set()
        removed = [one for one in old if one["name"] not in mounted]
        for one in removed:
            self._remove(one)
        return [str(one["name"]) for one in removed]

    def _listed(self) -> list[Mapping[str, Any]]:
        """The metadata of all of them, as the API server has it at hand: what it does not know yet is asked for."""
        selector = ",".join(f"{key}={value}" for key, value in LABELS.items())
        query = [("labelSelector", selector), ("resourceVersion", "0")]
        found = self._cluster.request("GET", self._path, query=query, accept=_METADATA)
        return [one["metadata"] for one in found["items"] or ()]  # null, when there are none

    def _ensure(self, name: str, content: Content) -> str:
        """The uid of the ConfigMap, after making it if it is not there."""
        wanted = content.manifest(self._namespace)
        for _ in range(3):
            try:
                found = self._cluster.request("GET", f"{self._path}/{name}")
            except Gone:
                try:
                    found = self._cluster.request("POST", self._path, body=wanted)
                except Refused as refused:
                    if refused.fate.trouble is not Trouble.EXISTS:
                        raise
                    continue  # another worker was faster
            _check(found, wanted)
            return str(found["metadata"]["uid"])
        raise SandboxUnavailable("no box can be made", f"the ConfigMap {name} comes and goes", "See who removes it")

    def _mounted(self) -> set[str]:
        """What pods of any installation mount."""
        query = [("labelSelector", f"{MANAGED}=forgehand")]
        found = self._cluster.request("GET", f"{self._base}/pods", query=query)
        volumes = [volume for pod in found["items"] for volume in pod["spec"].get("volumes") or ()]
        return {str(volume["configMap"]["name"]) for volume in volumes if "configMap" in volume}

    def _remove(self, one: Mapping[str, Any]) -> None:
        body = {"preconditions": {"uid": one["uid"]}}
        try:
            self._cluster.request("DELETE", f"{self._path}/{one['name']}", body=body)
        except Gone:
            return
        except Refused as refused:
            if refused.fate.trouble is not Trouble.BUSY:  # 409: it was made again meanwhile
                raise


@cache
def _contents(python: Python) -> tuple[tuple[str, Content], ...]:
    """The runner's modules first, then the interpreter's parts in order, with their names. SandboxUnavailable."""
    contents = [Content("runner", {posixpath.basename(RUNNER_ZIP): runner_zip()})]
    if python is Python.BROUGHT:
        contents += [Content("python", data) for data in cut(interpreter.bundle())]
    return tuple((content.name, content) for content in contents)


def _made(metadata: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(str(metadata["creationTimestamp"])).timestamp()


def _check(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if found.get("binaryData") != wanted["binaryData"] or found.get("immutable") is not True:
        name = wanted["metadata"]["name"]
        raise SandboxUnavailable(
            "no box can be made",
            f"the ConfigMap {name} does not hold what it is named after, for good",
            f"Find out who wrote it, then: kubectl delete configmap {name}",
        )
