"""`forgehand kernel devices`: the devices that verifications ran on, and the end of a quarantine."""

import time
from typing import Annotated, Any

import typer

from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.tasks import service_database
from store import kernel_devices
from store.schema import KernelDevice
from workers.kernel_checks.devices import release_command, still_qualified


def command(
    release: Annotated[
        str | None, typer.Option(metavar="UUID", help="End this device's quarantine: it was seen to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the devices that kernels were verified on: where they are, which are in quarantine, which are qualified.

    A device that is not well, or that a kernel broke, is put in quarantine, and nothing is run on it until --release.
    It is qualified while the code of verifications and the software are those with which `forgehand kernel corpus
    --device cuda` came out as it should. With --release the exit status is 0 when the quarantine has ended, 1 when the
    device was in none, 2 when there is no such device.

    Example: forgehand kernel devices --release GPU-6ef8ad2b-1f0c-4d3e-9a55-0c7a3be6d1f2"""
    if release is not None:
        _release(release, as_json)
    with service_database("devices") as (_, database), database.read() as session:
        rows = [_row(one) for one in kernel_devices.known(session)]
    if as_json:
        document(rows)
        return
    if not rows:
        console().print("No kernel was verified on a device yet.")
    for row in rows:
        _show(row)


def _release(uuid: str, as_json: bool) -> None:
    with service_database("devices") as (_, database), database.write() as session:
        if kernel_devices.get(session, uuid) is None:
            raise CannotRun(f"There is no device {printable(uuid)!r}. `forgehand kernel devices` lists those there are")
        released = kernel_devices.release(session, uuid)
    message = f"{uuid} may be used again" if released else f"{uuid} is in no quarantine"
    if as_json:
        document({"ok": released, "uuid": uuid, "message": message})
    else:
        console().print(printable(message))
    raise typer.Exit(0 if released else 1)


def _row(row: KernelDevice) -> dict[str, Any]:
    return {
        "uuid": row.uuid,
        "name": row.name,
        "machine": row.machine or None,
        "software": row.software,
        "seen_at": row.seen_at,
        "quarantined_at": row.quarantined_at,
        "reason": row.reason,
        "qualified": still_qualified(row),
        "qualified_at": row.qualified_at,
        "figures": row.figures,
    }


def _show(row: dict[str, Any]) -> None:
    """A line for each thing, which a narrow terminal can break anywhere."""
    screen = console()
    screen.print(printable(row["uuid"]), style="bold")
    lines = {
        "name": row["name"],
        "machine": row["machine"] or "not known",
        "software": row["software"],
        "seen": _when(row["seen_at"]),
        "qualified": _qualified(row),
    }
    for name, value in lines.items():
        screen.print(f"{name:>12}  {printable(value)}")
    if row["quarantined_at"] is not None:
        said = f"since {_when(row['quarantined_at'])}: {row['reason']}"
        screen.print(f"{'quarantine':>12}  {printable(said)}", style="bold red")
        screen.print(f"{'':>12}  when it is well: {printable(release_command(row['uuid']))}")


def _qualified(row: dict[str, Any]) -> str:
    if row["qualified_at"] is None:
        return "no"
    if not row["qualified"]:
        return f"no: the code or the software is another than on {_when(row['qualified_at'])}"
    return _when(row["qualified_at"])


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
