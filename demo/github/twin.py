"""A twin in this process: `Twin(folder).start()` serves it from a thread, `stop()` ends it and all it started."""

import secrets
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from demo.github.ci import Ci
from demo.github.controls import Controls
from demo.github.deliveries import Observer, Postman
from demo.github.events import Courier
from demo.github.faults import Faults
from demo.github.journal import Journal
from demo.github.people import Person
from demo.github.server import Application
from demo.github.stage import Stage, furnish
from demo.github.transport import CuttableProtocol
from demo.github.world import World

START_S = 20.0
Wrap = Callable[[Any], Any]


class Twin:
    """A stateful GitHub on 127.0.0.1.

    `folder` takes the bare git repositories. `token_life` is how long installation tokens are good for. `wrap` puts an
    ASGI middleware around the application and `observer` sees every webhook (the tests validate both ways with them).
    """

    def __init__(
        self,
        folder: Path,
        *,
        token_life: timedelta = timedelta(hours=1),
        wrap: Wrap | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.world = World(folder, token_life=token_life)
        self.postman = Postman(self.world, observer)
        self.courier = Courier(self.world, self.postman)
        self.ci = Ci(self.world, self.courier)
        self.faults, self.journal = Faults(), Journal()
        self.admin_token = secrets.token_hex(20)
        self._application = Application(self.world, self.courier, self.ci, self.faults, self.journal, self.admin_token)
        self._wrap = wrap
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return self.world.base_url

    def start(self, port: int = 0) -> "Twin":
        """Listens on 127.0.0.1:`port` (0: any free one); RuntimeError when it does not come up."""
        listening = socket.create_server(("127.0.0.1", port))
        self.world.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = self._application if self._wrap is None else self._wrap(self._application)
        config = uvicorn.Config(
            app, http=CuttableProtocol, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="twin", daemon=True)
        self._thread.start()
        Controls(self.url, self.admin_token).wait_ready(START_S)
        return self

    def furnish(self, sample: str = "durations", hook_url: str | None = None, **options: Any) -> Stage:
        """Fills an empty, started twin with the demo's people, App, repository and issue."""
        return furnish(self.world, sample=sample, hook_url=hook_url, admin_token=self.admin_token, **options)

    def controls(self) -> Controls:
        return Controls(self.url, self.admin_token)

    def person(self, login: str) -> Person:
        """Somebody acting over the public API, with a fresh token of their own."""
        return Person(self.url, login, self.world.issue_user_token(login), self.controls())

    def problems(self) -> list[str]:
        """The twin's own failures (an exception while answering): always empty unless the twin has a bug."""
        return list(self._application.problems)

    def stop(self) -> None:
        """Ends the server, running CI jobs and unsent deliveries."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self.ci.stop()
        self.postman.stop()

    def __enter__(self) -> "Twin":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
