"""What the cluster says about a pod, and what that means: every trouble is told apart from every other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes import BoxLost, SandboxError, SandboxUnavailable
from sandboxes.on_kubernetes.bringing import Python
from sandboxes.on_kubernetes.fates import Fate, Trouble, fate_of, hindrance, is_ready, last_words, refusal


def container(name="box", **state):
    return {"name": name, "state": state}


def ended(reason, code=1, **more):
    return container(terminated={"reason": reason, "exitCode": code, **more})


def waiting(reason, message=""):
    return container(waiting={"reason": reason, "message": message})


def pod(*containers, phase="Running", deleted=False, **status):
    metadata = {"name": "p", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})}
    return {"metadata": metadata, "status": {"phase": phase, "containerStatuses": list(containers), **status}}


def condition(kind, status, reason="", message=""):
    return {"type": kind, "status": status, "reason": reason, "message": message}


RUNNING = container(running={}), container("porch", running={})


def disrupted(reason, status="True"):
    return pod(*RUNNING, conditions=[condition("DisruptionTarget", status, reason)])


NO_EXECUTABLE = 'exec: "python3": executable file not found in $PATH: unknown'


@pytest.mark.parametrize(
    ("found", "trouble"),
    [
        (pod(*RUNNING), None),
        (pod(phase="Pending"), None),
        (pod(waiting("ContainerCreating"), phase="Pending"), None),
        (pod(waiting("ImagePullBackOff"), phase="Pending"), None),  # a registry may come back
        (pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."), Trouble.EVICTED),
        (pod(ended("OOMKilled", 137), phase="Failed", reason="Evicted"), Trouble.EVICTED),
        (pod(phase="Failed", reason="DeadlineExceeded"), Trouble.DEADLINE),
        (pod(phase="Failed", reason="NodeLost"), Trouble.NODE_LOST),
        (pod(phase="Failed", reason="Shutdown"), Trouble.NODE_LOST),
        (pod(phase="Failed", reason="Preempting"), Trouble.PREEMPTED),
        (pod(phase="Failed", reason="OutOfmemory"), Trouble.UNSCHEDULABLE),
        (pod(*RUNNING, conditions=[condition("DisruptionTarget", "True", "PreemptionByScheduler")]), Trouble.PREEMPTED),
        (pod(*RUNNING, conditions=[condition("DisruptionTarget", "True", "EvictionByEvictionAPI")]), Trouble.EVICTED),
        (
            pod(*RUNNING, conditions=[condition("DisruptionTarget", "True", "DeletionByTaintManager")]),
            Trouble.NODE_LOST,
        ),
        (pod(*RUNNING, conditions=[condition("DisruptionTarget", "True", "NewOne")]), Trouble.EVICTED),
        (pod(*RUNNING, conditions=[condition("DisruptionTarget", "False", "TerminationByKubelet")]), None),
        (
            pod(*RUNNING, conditions=[condition("Ready", "False"), condition("ContainersReady", "True")]),
            Trouble.NODE_LOST,
        ),
        (pod(ended("OOMKilled", 137)), Trouble.OUT_OF_MEMORY),
        (pod(ended("Error", 137), phase="Failed"), Trouble.ENDED),
        (pod(ended("Completed", 0), container("porch", running={})), Trouble.ENDED),
        (pod(ended("StartError", 128, message=NO_EXECUTABLE)), Trouble.NO_PYTHON),
        (pod(ended("ContainerCannotRun", 127, message="stat /x: no such file or directory")), Trouble.NO_PYTHON),
        (pod(ended("StartError", 128, message="permission denied")), Trouble.START),
        (pod(waiting("RunContainerError", NO_EXECUTABLE)), Trouble.NO_PYTHON),
        (pod(waiting("ErrImageNeverPull")), Trouble.IMAGE),
        (pod(waiting("InvalidImageName")), Trouble.IMAGE),
        (pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and image has root")), Trouble.START),
        (pod(*RUNNING, deleted=True), Trouble.DELETED),
        (pod(phase="Failed"), Trouble.ENDED),
        (pod(phase="Succeeded"), Trouble.ENDED),
        ({"metadata": {}}, None),
    ],
)
def test_what_became_of_a_pod(found, trouble):
    fate = fate_of(found)
    assert (fate.trouble if fate else None) == trouble


CRUN = "executable file `python3` not found in $PATH: No such file or directory"
RUNSC = 'error finding executable "python3" in PATH [/bin]: no such file or directory'
NO_SHELL = 'exec: "sh": executable file not found in $PATH: unknown'
EXEC_FORMAT = "standard_init_linux.go:228: exec user process caused: exec format error"


def started_by(python, found):
    """The pod with what its containers start."""
    return {**found, "spec": {"containers": [{"command": python.command("x")}]}}


@pytest.mark.parametrize(
    ("found", "own", "brought"),
    [
        (pod(ended("StartError", 128, message=NO_EXECUTABLE)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(ended("StartError", 128, message=CRUN)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(ended("StartError", 128, message=RUNSC)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(waiting("RunContainerError", NO_SHELL)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(ended("Error", 86)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(ended("Error", 127, message="libc.so.6: cannot open")), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (
            pod(container(running={}), ended("Error", 127, message="cat: not found")),
            Trouble.NO_PYTHON,
            Trouble.NO_SHELL,
        ),
        (pod(ended("Error", 126)), Trouble.NO_PYTHON, Trouble.NO_SHELL),
        (pod(ended("Error", 1, message=EXEC_FORMAT)), Trouble.FOREIGN, Trouble.FOREIGN),
        (pod(ended("StartError", 128, message="exec /bin/sh: exec format error")), Trouble.FOREIGN, Trouble.FOREIGN),
        (pod(waiting("RunContainerError", EXEC_FORMAT)), Trouble.FOREIGN, Trouble.FOREIGN),
        (pod(ended("Error", 126, message="ld.so: Exec format error")), Trouble.FOREIGN, Trouble.FOREIGN),
        (pod(ended("StartError", 128, message="permission denied")), Trouble.START, Trouble.START),
        (pod(ended("Error", 1, message="cat: no space left")), Trouble.ENDED, Trouble.ENDED),
        (pod(*RUNNING), None, None),
    ],
)
def test_what_an_image_lacks_depends_on_what_was_started(found, own, brought):
    fates = [fate_of(started_by(python, found)) for python in (Python.OWN, Python.BROUGHT)]
    assert [fate.trouble if fate else None for fate in fates] == [own, brought]


@pytest.mark.parametrize(
    ("found", "ready"),
    [
        (pod(*RUNNING), True),
        (pod(*RUNNING, deleted=True), False),
        (pod(container(running={}), container("porch", waiting={})), False),
        (pod(), False),
        (pod(*RUNNING, phase="Pending"), False),
    ],
)
def test_a_pod_is_ready_when_both_its_containers_run(found, ready):
    assert is_ready(found) is ready


def test_what_a_waiting_pod_waits_for():
    unscheduled = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.")
    assert hindrance(pod(conditions=[unscheduled])) == Fate(
        Trouble.UNSCHEDULABLE, "0/3 nodes are available: 3 Insufficient cpu."
    )
    assert hindrance(pod(waiting("ErrImagePull", "not found"))) == Fate(Trouble.IMAGE, "ErrImagePull: not found")
    assert hindrance(pod(waiting("ContainerCreating"))) is None


def test_an_event_that_no_waiting_changes_is_a_fate():
    fatal = {"reason": "FailedCreatePodSandBox", "message": 'no runtime for "kata" is configured', "type": "Warning"}
    passing = {"reason": "FailedMount", "message": "timed out", "type": "Warning", "lastTimestamp": "2"}
    assert fate_of(pod(phase="Pending"), [passing, fatal]).trouble is Trouble.START
    assert fate_of(pod(phase="Pending"), [passing]) is None
    assert last_words([{**passing, "lastTimestamp": "1", "message": "older"}, passing]) == "FailedMount: timed out"
    assert last_words([{"type": "Normal", "reason": "Pulled"}]) == ""


def status(message):
    return json.dumps({"kind": "Status", "message": message})


@pytest.mark.parametrize(
    ("code", "message", "trouble"),
    [
        (403, 'pods "a" is forbidden: exceeded quota: sandboxes, requested: pods=1', Trouble.QUOTA),
        (403, 'pods "a" is forbidden: failed quota: x: must specify cpu', Trouble.QUOTA),
        (403, 'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods"', Trouble.FORBIDDEN),
        (403, 'pods "a" is forbidden: violates PodSecurity "restricted:latest"', Trouble.NOT_ADMITTED),
        (403, "pods is forbidden: maximum cpu usage per Container is 16", Trouble.NOT_ADMITTED),
        (404, 'namespaces "x" not found', Trouble.NAMESPACE),
        (404, 'pods "x" not found', Trouble.DELETED),
        (409, 'pods "x" already exists', Trouble.EXISTS),
        (409, "the UID in the precondition does not match", Trouble.BUSY),
        (401, "Unauthorized", Trouble.CREDENTIALS),
        (422, "Invalid value", Trouble.NOT_ADMITTED),
        (400, "bad", Trouble.NOT_ADMITTED),
        (429, "too many requests", Trouble.BUSY),
        (500, "etcd", Trouble.BUSY),
        (503, "no", Trouble.BUSY),
        (0, "connection refused", Trouble.UNREACHABLE),
    ],
)
def test_why_the_server_refuses(code, message, trouble):
    assert refusal(code, status(message)) == Fate(trouble, message)


@given(st.integers(0, 599), st.binary(max_size=50))
def test_any_answer_of_any_proxy_is_a_fate(code, body):
    assert refusal(code, body).words.isprintable()


def test_every_trouble_has_words_of_its_own_and_is_one_of_the_contracts_errors():
    assert len({Fate(one).why for one in Trouble}) == len(Trouble)
    for one in Trouble:
        error = Fate(one, "x").unavailable("b")
        assert isinstance(error, SandboxError)
        assert isinstance(error, SandboxUnavailable) is (one is not Trouble.EXISTS)
        assert isinstance(Fate(one).lost("b"), BoxLost)
        assert str(error).endswith(f"(x). {Fate(one).todo}" if Fate(one).todo else "(x)")


def test_only_what_can_pass_is_tried_again():
    passing = {one for one in Trouble if Fate(one).passing}
    assert passing == {Trouble.EVICTED, Trouble.PREEMPTED, Trouble.NODE_LOST, Trouble.DELETED, Trouble.BUSY}


def test_hostile_words_stay_one_printable_line():
    words = fate_of(pod(ended("Error", 1, message="a\n\x1b[31mred\0" + "x" * 2000))).words
    assert words.isprintable()
    assert len(words) < 700
