"""A backend of the test cluster whose boxes no other test of this process has open, and what tests ask of its pods."""

import dataclasses
import functools
import json
import time

import pytest

from sandboxes import KubernetesBackend, SandboxSpec, SandboxUnavailable
from tests.sandboxes import kubernetes_cluster as cluster
from tests.sandboxes.conftest import new_name

MIB = 1 << 20
OWNER = f"{cluster.OWNER}-boxes"
SMALL = SandboxSpec(memory_bytes=128 * MIB, disk_bytes=32 * MIB)


@functools.cache
def own_backend():
    """Sweeps with it must not find the boxes that other tests of this process have open."""
    shared = cluster.kubernetes()
    own = KubernetesBackend(shared._place, owner=OWNER, image=shared._image)
    own._reach()._findings = dict(shared._reach()._findings)
    return own


def another(*, owner=OWNER, image=None, **changed):
    """A backend with another place or owner, which believes what the first one has proven."""
    own = own_backend()
    place = dataclasses.replace(own._place, **{"start_timeout_s": 30.0, **changed})
    other = KubernetesBackend(place, owner=owner, image=image or own._image)
    other._reach()._findings = dict(own._reach()._findings)
    return other


def pod_of(box):
    found = json.loads(
        cluster.kubectl("get", "pods", "-n", cluster.NAMESPACE, "-o", "json", "-l", f"forgehand.dev/box={box.name}")
    )
    [pod] = found["items"]
    return pod


def refused(backend, spec=SMALL, kind=SandboxUnavailable):
    """How a box is refused: the error and the seconds it took."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        backend.create(spec, name=new_name())
    return str(caught.value), time.monotonic() - began


def left_behind(backend):
    """Pods of this owner that are not on their way out."""
    return [
        pod["metadata"]["name"] for pod in backend._reach().pods.mine() if "deletionTimestamp" not in pod["metadata"]
    ]


WRITABLE_PLACES = """
import os
for root, folders, files in os.walk("/"):
    folders[:] = [one for one in folders if os.path.join(root, one) not in ("/proc", "/sys")]
    for one in [*files, "."]:
        path = os.path.normpath(os.path.join(root, one))
        if os.access(path, os.W_OK) and not os.path.islink(path) and not path.startswith("/dev/pts"):
            print(path)
"""
DEVICES = {"/dev/" + name for name in ("null", "zero", "full", "random", "urandom", "tty")}
