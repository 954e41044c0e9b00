"""What `forgehand doctor` says of the kernel lane: its boxes, what is in them, and its devices."""

import json
import secrets
import time
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from cli.errors import CannotRun
from cli.probes import Check
from cli.tasks import service_database
from sandboxes import SandboxError
from settings import Settings
from store import kernel_devices
from workers.kernel_checks.devices import release_command
from workers.kernel_place import make_place

_PATIENCE_S = 120.0
_WHAT_TO_DO = "see docs/kernels.md; nothing else needs it"
_PROGRAM = """
import json, shutil, torch
from importlib import metadata
found = {"torch": torch.__version__, "gpus": torch.cuda.device_count(), "compiler": shutil.which("g++")}
try:
    found["triton"] = metadata.version("triton")
except metadata.PackageNotFoundError:
    found["triton"] = None
print(json.dumps(found))
"""


def kernels(settings: Settings) -> Check:
    """Makes a box of the kernel lane and imports PyTorch in it. The lane is optional: without it, a warning."""
    began = time.monotonic()
    try:
        place = make_place(settings)
        with place.backend.create(place.spec(_PATIENCE_S * 2), name=f"doctor-{secrets.token_hex(6)}") as box:
            done = box.run([str(place.python), "-I", "-c", _PROGRAM], timeout=_PATIENCE_S)
    except SandboxError as error:
        return Check("kernels", "warning", ": ".join(part for part in (error.what, error.why) if part), error.todo)
    try:
        found = json.loads(done.stdout)
        told = f"PyTorch {found['torch']}, {_or_no('Triton', found['triton'])}, {_or_no('g++', found['compiler'])}"
        gpus = int(found["gpus"])
    except (ValueError, KeyError, TypeError):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Check(
            "kernels", "warning", f"PyTorch cannot be imported: {(said or ['it said nothing'])[-1][:200]}", _WHAT_TO_DO
        )
    seconds = time.monotonic() - began
    devices = f"{gpus} GPUs" if gpus else "no GPU"
    return Check("kernels", "ok", f"{told}, {devices}; a box and its first command took {seconds:.1f} s")


def quarantines() -> Iterator[Check]:
    """A warning for each device in quarantine. What is wrong with the database is said by its own check."""
    try:
        with service_database("devices") as (_, database), database.read() as session:
            for row in kernel_devices.in_quarantine(session):
                since = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.quarantined_at))
                at = f" on {row.machine}" if row.machine else ""
                said = f"{row.name}{at} has been in quarantine since {since}, and nothing is run on it: {row.reason}"
                todo = f"see to it (nvidia-smi -q says what its driver knows), then {release_command(row.uuid)}"
                yield Check("kernel device", "warning", said, todo)
    except (CannotRun, SQLAlchemyError, OSError, ValueError, RuntimeError, ImportError):
        return


def _or_no(name: str, found: object) -> str:
    return f"no {name}" if not found else name if str(found).startswith("/") else f"{name} {found}"
