"""The pods of one namespace: making them so that a repeated try finds the first one, following and ending them."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from .cluster import Cluster, Gone, Refused
from .exec_stream import ExecStream, Explain
from .fates import Fate, Trouble, fate_of, hindrance, is_ready, last_words
from .place import Place
from .pod import MANAGED, OWNER, TOKEN

_WATCH_S = 5.0
"""A watch may miss what happens, and events are not watched: it is ended, and both looked at anew, this often."""
_EVENTS_AFTER_S = 2.0
_TELLING_S = 3.0
"""How long the kubelet may take to report a container's end: it looks once a second."""
_TELL_EVERY_S = 0.3
Pod = Mapping[str, Any]


class Troubled(Exception):
    """A pod will not become, or is no longer, a running box."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(fate.why)
        self.fate = fate


class Pods:
    """An owner's pods in a place. Thread-safe."""

    def __init__(self, cluster: Cluster, place: Place, owner: str) -> None:
        self._cluster = cluster
        self._base = f"/api/v1/namespaces/{place.namespace}"
        self._owner = owner

    def make(self, manifest: Pod, deadline: float) -> Pod:
        """The pod as the API server has it. Refused, with EXISTS when a living one has its name.

        A dead one of that name makes room first, and one that is being deleted is waited for until `deadline`, on the
        monotonic clock. An answer that was lost on the way is no trouble: what has this manifest's token is it.
        """
        name = manifest["metadata"]["name"]
        for attempt in range(8):
            try:
                return dict(self._cluster.request("POST", f"{self._base}/pods", body=manifest))
            except Refused as refused:
                if refused.fate.trouble is Trouble.EXISTS:
                    found = self.get(name)
                    if found is None:
                        continue
                    if token_of(found) == manifest["metadata"]["annotations"][TOKEN]:
                        return found
                    if fate_of(found) is None:
                        raise
                    self.delete(found)
                    self.await_end(found, deadline)
                elif (not refused.fate.passing and refused.fate.trouble is not Trouble.UNREACHABLE) or attempt == 7:
                    raise
                else:
                    # A server that is busy or away, asked again later by each at another moment.
                    time.sleep(min(2.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - of who asks a busy server again
        raise Refused(Fate(Trouble.BUSY, "pods of that name come and go"))

    def get(self, name: str) -> Pod | None:
        try:
            return dict(self._cluster.request("GET", f"{self._base}/pods/{name}"))
        except Gone:
            return None

    def mine(self) -> Sequence[Pod]:
        """Every pod of this owner."""
        selector = f"{MANAGED}=forgehand,{OWNER}={self._owner}"
        found = self._cluster.request("GET", f"{self._base}/pods", query=[("labelSelector", selector)])
        return list(found["items"])

    def is_mine(self, pod: Pod) -> bool:
        labels = pod["metadata"].get("labels") or {}
        return labels.get(MANAGED) == "forgehand" and labels.get(OWNER) == self._owner

    def delete(self, pod: Pod) -> None:
        """Asks for the end of exactly this pod, not of a later one of its name. No error when it is gone."""
        metadata = pod["metadata"]
        body = {"preconditions": {"uid": metadata["uid"]}, "propagationPolicy": "Background"}
        try:
            self._cluster.request("DELETE", f"{self._base}/pods/{metadata['name']}", body=body)
        except Gone:
            return
        except Refused as refused:
            if refused.fate.trouble is not Trouble.BUSY:  # 409: another pod has the name by now
                raise

    def events(self, pod: Pod) -> Sequence[Mapping[str, Any]]:
        """What is told about a pod; nothing when it may not be asked."""
        try:
            selector = f"involvedObject.uid={pod['metadata']['uid']}"
            found = self._cluster.request("GET", f"{self._base}/events", query=[("fieldSelector", selector)])
        except Refused:
            return []
        return list(found["items"])

    def await_ready(self, pod: Pod, deadline: float) -> Pod:
        """The pod once process 1 of its box runs. Troubled, as soon as that will not happen or at `deadline`."""
        latest, began = pod, time.monotonic()
        with closing(self._follow(pod, deadline)) as states:
            for found in states:
                if found is None:
                    raise Troubled(Fate(Trouble.DELETED))
                latest = found
                if is_ready(found):
                    return found
                late = time.monotonic() > began + _EVENTS_AFTER_S
                if fate := fate_of(found, self.events(found) if late else ()):
                    raise Troubled(fate)
        raise Troubled(hindrance(latest) or Fate(Trouble.START, last_words(self.events(latest)) or "it takes too long"))

    def await_end(self, pod: Pod, deadline: float) -> None:
        """Returns when the pod is no more. Refused, with EXISTS, at `deadline`."""
        with closing(self._follow(pod, deadline)) as states:
            if None in states:
                return
        raise Refused(Fate(Trouble.EXISTS, "it is being deleted, which takes long"))

    def await_absence(self, pods: Sequence[Pod], deadline: float) -> None:
        """Returns when none of the pods is there any more, or at `deadline`. Refused."""
        left = {pod["metadata"]["uid"] for pod in pods}
        while left and time.monotonic() < deadline:
            left &= {pod["metadata"]["uid"] for pod in self.mine()}
            if left:
                time.sleep(_TELL_EVERY_S)  # for the second a sweep takes, a list is less than a watch a pod

    def end_of(self, pod: Pod) -> Fate | None:
        """Why a box's stream broke, waiting a little for the cluster to know; None when the pod goes on."""
        until = time.monotonic() + _TELLING_S
        while True:
            try:
                found = self.get(pod["metadata"]["name"])
            except Refused as refused:
                return refused.fate
            if found is None or found["metadata"]["uid"] != pod["metadata"]["uid"]:
                return Fate(Trouble.DELETED)
            if fate := fate_of(found):
                return fate
            if time.monotonic() > until:
                return None
            time.sleep(_TELL_EVERY_S)  # the kubelet tells within a second or never: not worth a watch

    def execute(self, pod: Pod, container: str, command: Sequence[str], explain: Explain = str) -> ExecStream:
        path = f"{self._base}/pods/{pod['metadata']['name']}/exec"
        return self._cluster.execute(path, command, container, explain)

    def _follow(self, pod: Pod, deadline: float) -> Generator[Pod | None, None, None]:
        """The pod's states as they come, and None when it is gone; ends at `deadline`. Refused."""
        name, uid, version = (pod["metadata"][key] for key in ("name", "uid", "resourceVersion"))
        yield pod
        while (left := deadline - time.monotonic()) > 0:
            query = [("fieldSelector", f"metadata.name={name}"), ("resourceVersion", version)]
            with closing(self._cluster.watch(f"{self._base}/pods", query, min(left, _WATCH_S))) as changes:
                for kind, found in changes:
                    if found["metadata"]["uid"] != uid or kind == "DELETED":
                        yield None
                        return
                    yield found
            again = self.get(name)
            if again is None or again["metadata"]["uid"] != uid:
                yield None
                return
            yield again
            if again["metadata"]["resourceVersion"] == version:
                time.sleep(0.05)  # a watch that ends at once must not become a busy loop
            version = again["metadata"]["resourceVersion"]


def token_of(pod: Pod) -> str | None:
    found = (pod["metadata"].get("annotations") or {}).get(TOKEN)
    return found if isinstance(found, str) else None
