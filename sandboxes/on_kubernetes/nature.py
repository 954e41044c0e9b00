"""What a box is made of that only a look inside tells: what its image sets (ENV), and its node's architecture."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..contract import SandboxUnavailable
from ..layout import environment
from .bringing import python_of
from .pod import LAST_WORDS, PORCH_CONTAINER
from .pods import Pod, Pods
from .proving import said

_ASK = f"""
import json, os
print(json.dumps([os.uname().machine, dict(os.environ), os.access({LAST_WORDS!r}, os.F_OK)]))
"""
_OURS = re.compile(r"KUBERNETES_.*|HOSTNAME|HOME|PWD|OLDPWD|SHLVL|_|LC_CTYPE")
"""Set by the cluster or the shell and not by the image; the address of the API server is nobody's business."""


@dataclass(frozen=True, slots=True)
class Nature:
    """`machine` as uname(2) says it; `environment` is what the image sets for its programs. `leaky`: its /root is open
    to everybody, and with it the kubelet's file there (`pod.LAST_WORDS`)."""

    machine: str
    environment: Mapping[str, str]
    leaky: bool = False


def nature_of(pods: Pods, pod: Pod) -> Nature:
    """Asked of the pod's porch, where none of the box's programs ever ran. Refused, SandboxUnavailable."""
    answer = said(pods, pod, PORCH_CONTAINER, python_of(pod).command("-c", _ASK))
    try:
        machine, found, leaky = json.loads(answer)
        images = {str(name): str(value) for name, value in found.items() if not _OURS.fullmatch(name)}
        return Nature(str(machine), images, leaky is not False)
    except (ValueError, TypeError, AttributeError):
        raise SandboxUnavailable("no box can be made", f"its Python says {answer[:300]!r}") from None


def commands_environment(image: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a command, before what the caller adds. Pure."""
    return {
        **environment(image),
        # The workspace belongs to root, as every emptyDir does, and git would refuse to work in it.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
