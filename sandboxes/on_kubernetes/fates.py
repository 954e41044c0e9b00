"""What became of a pod, and why: the cluster's many words for it as one closed list of troubles. Pure.

Pods, events and refusals come in as the plain JSON of the API: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from ..contract import BoxLost, SandboxError, SandboxUnavailable
from ..package import TOO_OLD
from .bringing import Python, python_of

Json = Mapping[str, Any]
_WORDS = 600
"""How much is quoted of what the cluster says, in characters."""


class Trouble(StrEnum):
    """Why there is no pod, or none any more."""

    EVICTED = "evicted"
    PREEMPTED = "preempted"
    OUT_OF_MEMORY = "out of memory"
    DEADLINE = "lifetime over"
    NODE_LOST = "node lost"
    DELETED = "deleted"
    ENDED = "ended"
    UNSCHEDULABLE = "unschedulable"
    IMAGE = "image"
    NO_PYTHON = "no python"
    NO_SHELL = "no shell"
    FOREIGN = "foreign"
    START = "start"
    QUOTA = "quota"
    NOT_ADMITTED = "not admitted"
    FORBIDDEN = "forbidden"
    CREDENTIALS = "credentials"
    NAMESPACE = "namespace"
    EXISTS = "exists"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


_AGAIN = {Trouble.EVICTED, Trouble.PREEMPTED, Trouble.NODE_LOST, Trouble.DELETED, Trouble.BUSY}
_MEANING: Mapping[Trouble, tuple[str, str]] = {
    Trouble.EVICTED: ("its node evicted it", "Give sandbox nodes more room, or the box a smaller request"),
    Trouble.PREEMPTED: ("a pod of higher priority took its place", "Add nodes for sandboxes, or raise their priority"),
    Trouble.OUT_OF_MEMORY: ("its memory ran out", "Raise memory_bytes, or find what uses so much"),
    Trouble.DEADLINE: ("its lifetime is over", "Raise lifetime_s if work needs longer"),
    Trouble.NODE_LOST: ("its node is lost", "See to the node; the work can go on in a new box"),
    Trouble.DELETED: ("its pod was deleted", "Somebody or something else removed it; make a new one"),
    Trouble.ENDED: ("its runner ended", "Make a new one and restore its workspace"),
    Trouble.UNSCHEDULABLE: (
        "no node can take it",
        "Add nodes, or correct node selector, tolerations and requests (k8s/README.md)",
    ),
    Trouble.IMAGE: (
        "its image cannot be had",
        "Correct the image's name, push it, or give the namespace a pull secret",
    ),
    Trouble.NO_PYTHON: (
        "its image has no python3 of version 3.9 or later",
        "Make another box of it: one is brought along from now on",
    ),
    Trouble.NO_SHELL: (
        "its image has neither python3 nor a shell that could take one in",
        "Use an image with Python 3.9 or later, or with sh, cat, mkdir and chmod",
    ),
    Trouble.FOREIGN: (
        "its image is for another kind of processor",
        "Use an image for the nodes' kind, or name nodes of the image's by kubernetes.io/arch in node_selector",
    ),
    Trouble.START: ("its container does not start", "See the reason; k8s/README.md says what the cluster must have"),
    Trouble.QUOTA: ("the namespace's quota is used up", "Wait for boxes to end, or raise the ResourceQuota"),
    Trouble.NOT_ADMITTED: ("the cluster refuses such a pod", "Bring settings and the namespace's policies together"),
    Trouble.FORBIDDEN: ("the worker may not do this", "Apply k8s/sandbox/ and use its service account"),
    Trouble.CREDENTIALS: ("the cluster does not know the worker", "Renew the worker's kubeconfig or token"),
    Trouble.NAMESPACE: ("the namespace is not there", "Apply k8s/sandbox/, or correct the namespace in the settings"),
    Trouble.EXISTS: ("there is one of that name", "Close it, or call reap first"),
    Trouble.BUSY: ("the API server is busy", "Try again later"),
    Trouble.UNREACHABLE: ("the API server does not answer", "See to the cluster, or correct the kubeconfig"),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """A trouble and the cluster's own words about it."""

    trouble: Trouble
    words: str = ""

    @property
    def passing(self) -> bool:
        """True when trying again can help."""
        return self.trouble in _AGAIN

    @property
    def why(self) -> str:
        meaning = _MEANING[self.trouble][0]
        return f"{meaning} ({self.words})" if self.words else meaning

    @property
    def todo(self) -> str:
        return _MEANING[self.trouble][1]

    def unavailable(self, name: str) -> SandboxError:
        """The error for a box that could not be made."""
        kind = SandboxError if self.trouble is Trouble.EXISTS else SandboxUnavailable
        return kind(f"the box {name} cannot be made", self.why, self.todo)

    def lost(self, name: str) -> BoxLost:
        """The error for a box that was there."""
        return BoxLost(f"the box {name} is lost", self.why, self.todo)


def fate_of(pod: Json, events: Iterable[Json] = ()) -> Fate | None:
    """Why this pod is not, or will not be, a running box; None while it is one or may still become one."""
    status, python = pod.get("status") or {}, python_of(pod)
    return (
        _taken_away(status)
        or _first(partial(_ended, python=python), status)
        or _first(partial(_never_started, python=python), status)
        or _told(events)
        or (
            Fate(Trouble.ENDED, _quote(status.get("message")))
            if status.get("phase") in ("Failed", "Succeeded")
            else None
        )
        or (Fate(Trouble.DELETED) if (pod.get("metadata") or {}).get("deletionTimestamp") else None)
    )


def _first(look: Callable[[Json], Fate | None], status: Json) -> Fate | None:
    """What `look` finds in the state of a container: in the order of the manifest, the box's own first."""
    containers = sorted(status.get("containerStatuses") or (), key=lambda one: str(one.get("name")))
    return next(filter(None, (look(one.get("state") or {}) for one in containers)), None)


def is_ready(pod: Json) -> bool:
    """Whether process 1 of the box runs."""
    status = pod.get("status") or {}
    running = [(one.get("state") or {}).get("running") for one in status.get("containerStatuses") or ()]
    return (
        status.get("phase") == "Running"
        and bool(running)
        and all(one is not None for one in running)
        and not pod["metadata"].get("deletionTimestamp")
    )


def hindrance(pod: Json) -> Fate | None:
    """What a waiting pod waits for, when the cluster has said so: it may pass by itself, and time decides."""
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if (condition.get("type"), condition.get("status"), condition.get("reason")) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        ):
            return Fate(Trouble.UNSCHEDULABLE, _quote(condition.get("message")))
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"):
            return Fate(Trouble.IMAGE, _quote(f"{waiting.get('reason')}: {waiting.get('message')}"))
    return None


_REASONS = {
    "Evicted": Trouble.EVICTED,
    "DeadlineExceeded": Trouble.DEADLINE,
    "NodeLost": Trouble.NODE_LOST,
    "NodeShutdown": Trouble.NODE_LOST,
    "Shutdown": Trouble.NODE_LOST,
    "Terminated": Trouble.NODE_LOST,
    "Preempting": Trouble.PREEMPTED,
    "UnexpectedAdmissionError": Trouble.START,
    "NodeAffinity": Trouble.UNSCHEDULABLE,
    "OutOfcpu": Trouble.UNSCHEDULABLE,
    "OutOfmemory": Trouble.UNSCHEDULABLE,
    "OutOfpods": Trouble.UNSCHEDULABLE,
    "OutOfephemeral-storage": Trouble.UNSCHEDULABLE,
}
"""`status.reason` of a pod that the kubelet or a controller gave up."""
_DISRUPTIONS = {
    "PreemptionByScheduler": Trouble.PREEMPTED,
    "PreemptionByKubeScheduler": Trouble.PREEMPTED,
    "DeletionByTaintManager": Trouble.NODE_LOST,
    "DeletionByPodGC": Trouble.NODE_LOST,
    "EvictionByEvictionAPI": Trouble.EVICTED,
    "TerminationByKubelet": Trouble.EVICTED,
}
"""Reasons of the condition DisruptionTarget (Kubernetes 1.26 and later)."""


def _taken_away(status: Json) -> Fate | None:
    reason = str(status.get("reason") or "")
    if reason in _REASONS:
        return Fate(_REASONS[reason], _quote(status.get("message")))
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            trouble = _DISRUPTIONS.get(str(condition.get("reason")), Trouble.EVICTED)
            return Fate(trouble, _quote(condition.get("message")))
    held = {condition.get("type"): condition.get("status") for condition in status.get("conditions") or ()}
    if held.get("Ready") == "False" and held.get("ContainersReady") == "True":
        # A box has no readiness gates: only the node controller says this, of a node it hears nothing from.
        return Fate(Trouble.NODE_LOST, "the node does not report")
    return None


def _ended(state: Json, python: Python) -> Fate | None:
    terminated = state.get("terminated")
    if not terminated:
        return None
    reason, code = terminated.get("reason"), terminated.get("exitCode")
    if reason == "OOMKilled":
        return Fate(Trouble.OUT_OF_MEMORY, "OOMKilled")
    message = str(terminated.get("message") or "")
    if reason in ("StartError", "ContainerCannotRun"):
        return Fate(_unable(message, python) or Trouble.START, _quote(message))
    words = _quote(f"{reason}, exit status {code}" + (f": {message}" if message else ""))
    if code and _FOREIGN.search(message):
        return Fate(Trouble.FOREIGN, words)
    return Fate(_LACKS[python] if code in _NOT_EXECUTED or code == TOO_OLD else Trouble.ENDED, words)


def _never_started(state: Json, python: Python) -> Fate | None:
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in ("ErrImageNeverPull", "InvalidImageName", "ImageInspectError"):
        return Fate(Trouble.IMAGE, _quote(f"{reason}: {message}"))
    if reason == "RunContainerError" and (unable := _unable(message, python)):
        return Fate(unable, _quote(message))
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"):
        return Fate(Trouble.START, _quote(f"{reason}: {message}"))
    return None


_LACKS = {Python.OWN: Trouble.NO_PYTHON, Python.BROUGHT: Trouble.NO_SHELL}
_NOT_EXECUTED = (126, 127)
"""Exit statuses of a shell, or a loader, whose program cannot be executed or is not there."""
_MISSING = re.compile(r"executable file.* not found|finding executable|stat .*: no such file or directory")
_FOREIGN = re.compile(r"exec format error", re.IGNORECASE)
"""In the words of runc, crun and runsc, and of shells."""


def _unable(message: str, python: Python) -> Trouble | None:
    """What the image lacks, when a container could not start its program."""
    if _FOREIGN.search(message):
        return Trouble.FOREIGN
    return _LACKS[python] if _MISSING.search(message) else None


_FATAL_EVENTS = ("no runtime for", "unable to find runtime", 'RuntimeHandler "', "no runtime handler")
"""Of the events about a pod, only those that no waiting changes; most others are followed by another try."""


def _told(events: Iterable[Json]) -> Fate | None:
    for event in events:
        message = str(event.get("message") or "")
        if event.get("reason") == "FailedCreatePodSandBox" and any(words in message for words in _FATAL_EVENTS):
            return Fate(Trouble.START, _quote(message))
    return None


def last_words(events: Iterable[Json]) -> str:
    """The newest warning about a pod, for a box that does not start in time."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    newest = max(
        warnings, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), default=None
    )
    return _quote(f"{newest.get('reason')}: {newest.get('message')}") if newest else ""


def refusal(status: int, body: bytes | str) -> Fate:
    """Why the API server did not do what it was asked. `status`: of HTTP, 0 when it did not answer."""
    words = _quote(_message(body))
    lower = words.lower()
    if status == 403:
        if "exceeded quota" in lower or "failed quota" in lower:
            return Fate(Trouble.QUOTA, words)
        if re.search(r"(user|serviceaccount) .* cannot ", lower):
            return Fate(Trouble.FORBIDDEN, words)
        return Fate(Trouble.NOT_ADMITTED, words)
    if status == 404:
        return Fate(Trouble.NAMESPACE if "namespaces" in lower else Trouble.DELETED, words)
    if status == 409:
        return Fate(Trouble.EXISTS if "already exists" in lower else Trouble.BUSY, words)
    if status == 401:
        return Fate(Trouble.CREDENTIALS, words)
    if status in (400, 405, 413, 415, 422):
        return Fate(Trouble.NOT_ADMITTED, words)
    return Fate(Trouble.UNREACHABLE if status == 0 else Trouble.BUSY, words)


def _message(body: bytes | str) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return str(found.get("message", text)) if isinstance(found, dict) else text


def _quote(text: object) -> str:
    """One printable line: some of these words come from images and nodes that others control."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text or "")).split())
    return line if len(line) <= _WORDS else line[:_WORDS] + "..."
