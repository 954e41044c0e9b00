"""A Kombu transport on a folder of files: the embedded broker, for one machine.

Kombu's own filesystem transport writes messages and its exchange table in place: a process killed in the middle, or one
that reads at that moment, leaves or finds half a document, and the worker that reads it ends with an error (tried with
5.5: JSONDecodeError out of the consumer's loop; an empty exchange table keeps every later worker from starting). Here a
message appears whole, by renaming, is taken by renaming, and one that cannot be read is passed over: messages are a
doorbell, so a lost one costs a sweep. Bindings are kept in memory; every process declares the queues it uses.
"""

import json
import os
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import time, time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual

SCHEME = "folder"
LEFT_BEHIND_AFTER_S = 60.0


def open_folder(folder: Path) -> dict[str, Any]:
    """The transport options for a broker in `folder`, looked at ten times a second; what killed processes left half
    written or half read there is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.suffix != ".msg" and path.stat().st_mtime < time() - LEFT_BEHIND_AFTER_S:
                path.unlink()
    return {"folder": str(folder), "polling_interval": 0.1}


class Channel(virtual.Channel):
    """Queues are files `TIME-UNIQUE.QUEUE.msg` in one folder, oldest first."""

    @property
    def _folder(self) -> Path:
        return Path(self.connection.client.transport_options["folder"])

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        name = f"{time_ns():020d}-{uuid.uuid4().hex}"
        half = self._folder / f"{name}.half"
        half.write_text(json.dumps(message), encoding="utf-8")
        os.rename(half, self._folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for path in self._waiting(queue):
            taken = path.with_suffix(f".taken-{os.getpid()}")
            try:
                os.rename(path, taken)
                text = taken.read_text(encoding="utf-8")
                taken.unlink()
                return json.loads(text)
            except FileNotFoundError:
                continue  # another worker was faster
            except ValueError:
                continue
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        waiting = self._waiting(queue)
        for path in waiting:
            path.unlink(missing_ok=True)
        return len(waiting)

    def _waiting(self, queue: str) -> list[Path]:
        return sorted(self._folder.glob(f"*.{queue}.msg"))


class Transport(virtual.Transport):
    """One broker in each process; the folder is what they share."""

    Channel = Channel
    implements = virtual.Transport.implements.extend(asynchronous=False, exchange_type=frozenset({"direct"}))
    driver_type = driver_name = SCHEME
    _bindings = virtual.BrokerState()  # type: ignore[no-untyped-call]  # Kombu's types are not whole

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)  # type: ignore[no-untyped-call]
        self.state = self._bindings

    def driver_version(self) -> str:
        return "1"


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
