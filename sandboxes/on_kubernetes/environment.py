"""The base environment of commands: what the image sets (ENV of its Dockerfile), and what is the same in every box."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from .pod import HOME, PORCH_CONTAINER
from .pods import Pod, Pods
from .proving import said

_ASK = "import json, os; print(json.dumps({k: v for k, v in os.environ.items()}))"
_CLUSTERS = re.compile(r"KUBERNETES_.*|HOSTNAME|HOME|PWD|OLDPWD|SHLVL|_|LC_CTYPE")
"""Set by the cluster or the shell and not by the image; the address of the API server is nobody's business."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def image_environment(pods: Pods, pod: Pod, python: Sequence[str]) -> Mapping[str, str]:
    """What the pod's image sets, asked of its porch, where none of the box's programs ever ran. Refused,
    SandboxUnavailable."""
    found = json.loads(said(pods, pod, PORCH_CONTAINER, [*python, "-c", _ASK]))
    return {str(name): str(value) for name, value in found.items() if not _CLUSTERS.fullmatch(name)}


def commands_environment(image: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a command, before what the caller adds. Pure."""
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **image,
        "HOME": HOME,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/sh",
        "TMPDIR": "/tmp",  # noqa: S108 - the box's own
        # The workspace belongs to root, as every emptyDir does, and git would refuse to work in it.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
