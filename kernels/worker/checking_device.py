"""Which device is here, and is it well? A program of its own, in which nothing of a task or a candidate is.

It computes what has one right answer, writes all over a piece of its memory and reads it back, and asks the driver
(`nvidia-smi`) what it counted: https://docs.nvidia.com/deploy/gpu-debug-guidelines/index.html.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence

import torch

from kernels.messages import Json, Tensor
from kernels.worker import device
from kernels.worker.conversation import Answer, converse
from kernels.worker.driver import ASKED, problems_of, read_answer

_SIDE = 512
_LOOKED_AT = 1 << 30
_SHARE = 4
_SMI_S = 20.0


def _check(_: Json, __: Sequence[Tensor]) -> Answer:
    """What `kernels.devices.read_health` reads."""
    here = device.of_arguments()
    facts = torch.get_device_module(here.name).get_device_properties(0)
    state = _driver()
    software = [f"torch {torch.__version__}"]
    software += [f"cuda {torch.version.cuda}"] if torch.version.cuda else []
    software += [f"driver {state['driver_version']}"] if "driver_version" in state else []
    problems = list(problems_of(state))
    try:
        problems += _wrong(here, int(facts.total_memory))
        here.wait()
    except RuntimeError as error:
        problems.append(f"it fails: {str(error).splitlines()[0][:200]}")
    return {
        "uuid": here.uuid,
        "name": str(facts.name),
        "memory": int(facts.total_memory),
        "software": ", ".join(software),
        "architecture": f"sm_{facts.major}{facts.minor}" if here.name == "cuda" else "",
        "state": [[key, value] for key, value in state.items()],
        "problems": problems,
    }, ()


def _wrong(here: device.Device, memory: int) -> Iterator[str]:
    """Sums and products of whole numbers have one right answer in float32, whatever the order."""
    left = torch.arange(_SIDE * _SIDE, dtype=torch.float32).remainder(7).view(_SIDE, _SIDE)
    right = left.t().contiguous()
    if not torch.equal((here.placed(left) @ here.placed(right)).cpu(), left @ right):
        yield "it multiplies matrices of small whole numbers wrongly"
    room = torch.empty(min(_LOOKED_AT, memory // _SHARE) // 4, dtype=torch.int32, device=here.name)
    for pattern in (0x55555555, -0x55555556):
        room.fill_(pattern)
        if int((room != pattern).sum()):
            yield "its memory does not keep what is written to it"
            return


def _driver() -> dict[str, str]:
    """What the driver says of the device; nothing where its tool is not there or does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return {}
    argv = [tool, f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader,nounits", "--id=0"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_SMI_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return read_answer(done.stdout) if done.returncode == 0 else {}


def main() -> None:
    """Serves the broker until it hangs up."""
    converse({"check": _check})
